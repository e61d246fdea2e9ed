"""texts of partner records -> [sentence encoder in another process] -> their vectors.

The catalogue wants them for records that nothing else may join: docs/catalogue.md.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agents.encoding import NICENESS, Backlog, Encoded
from agents.spec import Emit, FitAgent, Record
from domain.catalogue.record import partner_of
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.record_text import RecordText, RecordVector
from topics.catalog import RECORD_TEXTS, RECORD_VECTORS
from topics.spec import TopicSpec

NAME = "record-vectors"


class RecordVectorFitter:
    """Wants a vector of each text there is."""

    def __init__(self, settings: Settings) -> None:
        self._backlog = Backlog(NAME, settings)

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in texts and, until both topics were read whole, what was published."""
        if self._backlog.encoder is None or (topic != RECORD_TEXTS and self._backlog.following):
            return  # this object emitted it: the topic has no other writer
        take = self._take_text if topic == RECORD_TEXTS else self._take_published
        for record in records:
            if record.key is None:
                raise ValueError(f"{topic.name}/{record.partition}@{record.offset} has no key")
            take(record.key.decode(), record.value)
        self._backlog.count()

    def _take_text(self, key: str, value: bytes | None) -> None:
        if value is None:
            self._backlog.forget(key)
        else:
            self._backlog.want(key, decode(RecordText, value).text)

    def _take_published(self, key: str, value: bytes | None) -> None:
        if value is None:
            self._backlog.read_back(key, None)
        else:
            row = decode(RecordVector, value)
            self._backlog.read_back(key, row.encoder, row.text_hash)

    def changed(self) -> bool:
        """Whether a text waits to be encoded, or a vector to be taken back."""
        if not self._backlog.following:
            self._backlog.settle()
        return self._backlog.has_work()

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the encoding of the newest waiting texts."""
        return self._backlog.job()

    def on_fitted(self, result: Encoded) -> list[Emit]:
        """Return vectors that are still wanted, and tombstones of those that are not."""
        fresh, gone = self._backlog.finish(result)
        emits = [self._emit(key, vector) for key, vector in fresh.items()]
        return emits + [Emit(RECORD_VECTORS, key.encode(), None, None) for key in gone]

    def _emit(self, key: str, vector: str) -> Emit:
        assert self._backlog.encoder is not None
        partner, own_id = partner_of(key)
        row = RecordVector(
            partner=partner,
            partner_id=own_id,
            encoder=self._backlog.encoder,
            text_hash=self._backlog.wanted(key).text_hash,
            vector=vector,
        )
        return Emit(RECORD_VECTORS, key.encode(), encode(row), None)


SPEC = FitAgent(
    name=NAME,
    sources=(RECORD_TEXTS, RECORD_VECTORS),
    emits=(RECORD_VECTORS,),
    interval_s=lambda settings: 0.0,
    create_fitter=RecordVectorFitter,
    niceness=NICENESS,
)
