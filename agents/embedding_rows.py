"""Vectors that are being published -> the rows of nearest titles beside them."""

from collections.abc import Iterable, Mapping

from agents.rows import encode_row, row_of
from agents.spec import Emit
from domain.embedding import unpack
from domain.embedding_neighbours import VectorTable
from schemas.codec import decode
from schemas.neighbours import Neighbours
from topics.catalog import EMBEDDING_NEIGHBOURS


class RowWriter:
    """Publishes the row of each title when its vector is, and knows which titles have one.

    Rows are numbered as they are published: of two, the later says what a pair is worth. An empty
    row is published too, since it may take back what an older text had.
    """

    def __init__(self) -> None:
        self._table = VectorTable()
        self._number = 0
        self._titles: set[str] = set()
        self._read_back: dict[str, str] = {}  # packed, until it is known who has a row

    def __contains__(self, content_id: str) -> bool:
        return content_id in self._titles

    def take_row(self, content_id: str, value: bytes | None) -> None:
        """Take in a row that was published, or its tombstone."""
        if value is None:
            self._titles.discard(content_id)
        else:
            self._titles.add(content_id)
            self._number = max(self._number, decode(Neighbours, value).model_version)

    def take_vector(self, content_id: str, vector: str | None) -> None:
        """Take in a vector that was published; None: it is gone or of another encoder."""
        if vector is None:
            self._read_back.pop(content_id, None)
        else:
            self._read_back[content_id] = vector

    def settle(self) -> set[str]:
        """Go on from what was read back; return the titles that have a row."""
        for content_id, vector in self._read_back.items():
            if content_id in self._titles:
                self._table.put(content_id, unpack(vector))
        self._read_back = {}
        return set(self._titles)

    def publish(self, vectors: Mapping[str, str]) -> list[Emit]:
        """Return the rows of titles whose packed vectors are new."""
        for content_id, vector in vectors.items():
            self._table.put(content_id, unpack(vector))
        emits = []
        for nearest in self._table.nearest(list(vectors)):
            self._number += 1
            self._titles.add(nearest.content_id)
            value = encode_row(row_of(*nearest), self._number)
            emits.append(Emit(EMBEDDING_NEIGHBOURS, nearest.content_id.encode(), value, None))
        return emits

    def take_back(self, content_ids: Iterable[str]) -> list[Emit]:
        """Return the tombstones of those titles that have a row."""
        gone = sorted(self._titles.intersection(content_ids))
        for content_id in gone:
            self._titles.discard(content_id)
            self._table.remove(content_id)
        return [Emit(EMBEDDING_NEIGHBOURS, each.encode(), None, None) for each in gone]
