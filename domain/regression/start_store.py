"""Starts in memory: 52 bytes a (viewer, title), in arrays that a fit can take as they are.

Changes wait in a dictionary and are merged in bulk. The last value of a pair wins, so taking the
same states in again changes nothing, and what comes out does not depend on the order of arrival.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from domain.regression.starts import START_FIELDS, Start, Starts

PENDING_MAX = 200_000
_CONTENT_BITS = np.uint64(32)


class StartStore:
    """The latest start by (viewer, title) id."""

    def __init__(self) -> None:
        self._viewer_index: dict[str, int] = {}
        self._content_index: dict[str, int] = {}
        self._keys: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._rows: NDArray[np.void] = np.empty(0, dtype=START_FIELDS)
        self._pending: dict[int, Start | None] = {}

    def put(self, viewer_id: str, content_id: str, start: Start | None) -> None:
        """Set the start of one pair; None takes it out."""
        viewer = self._viewer_index.setdefault(viewer_id, len(self._viewer_index))
        content = self._content_index.setdefault(content_id, len(self._content_index))
        self._pending[viewer << int(_CONTENT_BITS) | content] = start
        if len(self._pending) >= PENDING_MAX:
            self._merge()

    def starts(self) -> Starts:
        """Return everything, in order of time."""
        self._merge()
        viewer_ranks, _ = _ranks(self._viewer_index)
        content_ranks, content_ids = _ranks(self._content_index)
        viewers = viewer_ranks[self._keys >> _CONTENT_BITS]
        contents = content_ranks[self._keys & np.uint64((1 << int(_CONTENT_BITS)) - 1)]
        order = np.lexsort((contents, viewers, self._rows["started_at_ms"]))
        return Starts(viewers[order], contents[order], content_ids, self._rows[order])

    def _merge(self) -> None:
        if not self._pending:
            return
        changed = np.fromiter(self._pending, dtype=np.uint64, count=len(self._pending))
        present = {key: start for key, start in self._pending.items() if start is not None}
        added = np.fromiter(present, dtype=np.uint64, count=len(present))
        rows = np.array(list(present.values()), dtype=START_FIELDS)
        self._pending = {}
        kept = ~np.isin(self._keys, changed)
        self._keys = np.concatenate([self._keys[kept], added])
        self._rows = np.concatenate([self._rows[kept], rows])


def _ranks(names: Iterable[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the rank of each name among the sorted ones, and these."""
    given = list(names)
    order = sorted(range(len(given)), key=given.__getitem__)
    ranks = np.empty(len(given), dtype=np.int64)
    ranks[order] = np.arange(len(given))
    return ranks, tuple(given[index] for index in order)
