"""Rows of neighbours -> records: encoded once, and only those that changed."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

from agents.spec import Emit, Record
from domain.cowatch import NeighbourRows
from domain.cowatch_renewal import unchanged
from topics.spec import TopicSpec


class EncodedRow(NamedTuple):
    """The neighbours of one title as JSON, and a digest to see whether they changed."""

    content_id: str
    digest: bytes
    neighbours: bytes


class Encoded(NamedTuple):
    """All rows that have neighbours: those encoded, and the titles whose rows are as published."""

    rows: list[EncodedRow]
    kept: list[str]


def encoded(rows: NeighbourRows, before: NeighbourRows | None = None) -> Encoded:
    """Return the rows that have neighbours; those that are as ``before`` were published."""
    same = np.zeros(len(rows.title_ids), bool) if before is None else unchanged(before, rows)
    starts = rows.starts.tolist()
    columns, weights = rows.neighbours.tolist(), rows.weights.tolist()
    found = Encoded([], [])
    for content_id, begin, end, kept in zip(
        rows.title_ids, starts, starts[1:], same.tolist(), strict=False
    ):
        if begin < end and kept:
            found.kept.append(content_id)
        elif begin < end:
            ids = [rows.title_ids[column] for column in columns[begin:end]]
            found.rows.append(row_of(content_id, ids, weights[begin:end]))
    return found


def row_of(content_id: str, ids: Sequence[str], weights: Sequence[float]) -> EncodedRow:
    """Return one row, encoded."""
    neighbours = orjson.dumps(
        [
            {"content_id": other, "weight": weight}
            for other, weight in zip(ids, weights, strict=True)
        ]
    )
    return EncodedRow(content_id, digest_of(neighbours), neighbours)


def digest_of(neighbours: bytes) -> bytes:
    """Return a digest of a row's neighbours as JSON."""
    return hashlib.blake2b(neighbours, digest_size=16).digest()


def encode_row(row: EncodedRow, model_version: int) -> bytes:
    """Return the bytes of one ``Neighbours`` record, equal to ``schemas.codec.encode``'s."""
    head = orjson.dumps({"content_id": row.content_id, "model_version": model_version})
    return head[:-1] + b',"neighbours":' + row.neighbours + b"}"


def canonical_neighbours(value: bytes) -> bytes:
    """Return a row without its model version, which says when it changed and not what it holds."""
    row = orjson.loads(value)
    row.pop("model_version", None)
    return orjson.dumps(row)


class RowPublisher:
    """Emits the rows of one topic that differ from the ones published before.

    The topic is read back, so what was published is known after a restart: then nothing is
    published twice, and rows that lost their title meanwhile are taken back. What this process
    published comes back too, perhaps late, but in its order: so it is told from what others wrote.
    """

    def __init__(self, topic: TopicSpec) -> None:
        self._topic = topic
        self._published: dict[str, bytes] = {}  # title -> digest of its neighbours
        self._on_their_way: dict[str, list[bytes | None]] = {}  # digests not read back yet

    def read_back(self, key: str, record: Record) -> None:
        """Take in a record that was published."""
        digest = None
        if record.value is not None:
            digest = digest_of(orjson.dumps(orjson.loads(record.value)["neighbours"]))
        own = self._on_their_way.get(key)
        if own and own[0] == digest:
            del own[0]
            if not own:
                del self._on_their_way[key]
        elif digest is None:
            self._published.pop(key, None)
        else:
            self._published[key] = digest

    def publish(self, found: Encoded, model_version: int) -> list[Emit]:
        """Return changed rows, and tombstones for titles that no longer have neighbours."""
        emits: list[Emit] = []
        # Somebody else may have taken a row back: then it comes once more when it is encoded.
        digests = {content_id: self._published.get(content_id, b"") for content_id in found.kept}
        for row in found.rows:
            digests[row.content_id] = row.digest
            if self._published.get(row.content_id) != row.digest:
                value = encode_row(row, model_version)
                emits.append(Emit(self._topic, row.content_id.encode(), value, None))
        emits += [
            Emit(self._topic, content_id.encode(), None, None)
            for content_id in sorted(self._published.keys() - digests.keys())
        ]
        for emit in emits:
            key = emit.key.decode()
            self._on_their_way.setdefault(key, []).append(digests.get(key))
        self._published = digests
        return emits
