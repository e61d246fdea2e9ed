"""What the catalogue tells the encoder and hears from it: texts of records, and vectors."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from agents.spec import Emit, Record, TableView
from domain.catalogue.facts import record_text
from domain.catalogue.record import RecordState, partner_of
from domain.catalogue.resolution import Resolver
from domain.catalogue.texts import Vector
from domain.embedding import unpack
from schemas.codec import decode, encode
from schemas.record_text import RecordText, RecordVector
from topics.catalog import RECORD_TEXTS

TEXT = "text|"  # table key: + partner | its own id -> hash of the text that is to be encoded
EMITS_MAX = 500  # of one tick: a second partner can make thousands of texts wanted at once


class VectorReplica:
    """The vectors of all records, as the topic has them."""

    def __init__(self) -> None:
        self._vectors: dict[str, Vector] = {}

    def take(self, records: Sequence[Record]) -> set[str]:
        """Take in records of the topic; return their keys."""
        changed: set[str] = set()
        for record in records:
            if record.key is None:
                raise ValueError(f"{record.topic}/{record.partition}@{record.offset} has no key")
            key = record.key.decode()
            if record.value is None:
                self._vectors.pop(key, None)
            else:
                row = decode(RecordVector, record.value)
                self._vectors[key] = Vector(row.encoder, row.text_hash, unpack(row.vector))
            changed.add(key)
        return changed

    def get(self, key: str) -> Vector | None:
        """Return the vector of a record, if it has one."""
        return self._vectors.get(key)

    def all(self) -> Mapping[str, Vector]:
        """Return all vectors, by record."""
        return self._vectors


def text_emits(
    table: TableView, resolver: Resolver, state_of: Callable[[str], RecordState]
) -> Iterator[Emit]:
    """Yield texts that are wanted now and were not, and tombstones of the others; not too many.

    What is left waits in the resolver. The table remembers what was said.
    """
    count = 0
    for key in sorted(resolver.to_review()):
        if count == EMITS_MAX:
            return
        resolver.reviewed(key)
        wanted, row = resolver.wants_vector(key), table.get(TEXT + key)
        if wanted.encode() == (row or b""):
            continue
        count += 1
        if not wanted:
            table.delete(TEXT + key)
            yield Emit(RECORD_TEXTS, key.encode(), None, None)
            continue
        table.put(TEXT + key, wanted.encode())
        partner, own_id = partner_of(key)
        values = {name: held for name, (_, held) in state_of(key).fields.items()}
        text = RecordText(partner=partner, partner_id=own_id, text=record_text(values))
        yield Emit(RECORD_TEXTS, key.encode(), encode(text), None)
