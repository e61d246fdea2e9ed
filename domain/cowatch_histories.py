"""Viewer histories in memory: compact arrays that a fit can take as they are.

Nine bytes a (viewer, title) with weight: a sorted array of packed keys and one of weights. Changes
wait in a dictionary and are merged in bulk. The last value of a pair wins, so taking the same
states in again changes nothing. A viewer of whom no pair is left (erasure) has no number any more.
"""

import numpy as np
from numpy.typing import NDArray

from domain.cowatch import Histories

PENDING_MAX = 200_000
_TITLE_BITS = 32


class HistoryStore:
    """Weights by (viewer, title) id; a weight of 0 removes the pair."""

    def __init__(self) -> None:
        self._viewer_index: dict[str, int] = {}
        self._title_index: dict[str, int] = {}
        self._keys: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._weights: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self._pending: dict[int, int] = {}
        self._viewers_ever = 0  # numbers are not given again
        self._maybe_gone: dict[int, str] = {}  # viewers of whom a pair was removed

    def put(self, viewer_id: str, title_id: str, weight: int) -> None:
        """Set the weight (0-255) of one pair."""
        viewer = self._viewer_index.setdefault(viewer_id, self._viewers_ever)
        self._viewers_ever = max(self._viewers_ever, viewer + 1)
        if weight == 0:
            self._maybe_gone[viewer] = viewer_id
        title = self._title_index.setdefault(title_id, len(self._title_index))
        self._pending[viewer << _TITLE_BITS | title] = weight
        if len(self._pending) >= PENDING_MAX:
            self._merge()

    def histories(self) -> Histories:
        """Return everything as parallel arrays."""
        self._merge()
        return Histories(
            viewers=(self._keys >> np.uint64(_TITLE_BITS)).astype(np.int32),
            titles=(self._keys & np.uint64((1 << _TITLE_BITS) - 1)).astype(np.int32),
            weights=self._weights,
            title_ids=list(self._title_index),
        )

    def _merge(self) -> None:
        if not self._pending:
            return
        keys = np.fromiter(self._pending.keys(), dtype=np.uint64, count=len(self._pending))
        weights = np.fromiter(self._pending.values(), dtype=np.uint8, count=len(self._pending))
        self._pending = {}
        kept = np.isin(self._keys, keys, invert=True)
        keys = np.concatenate([self._keys[kept], keys[weights > 0]])
        weights = np.concatenate([self._weights[kept], weights[weights > 0]])
        order = np.argsort(keys)
        self._keys, self._weights = keys[order], weights[order]
        self._drop_viewers()

    def _drop_viewers(self) -> None:
        """Forget the ids of viewers without pairs; keys are sorted by viewer."""
        gone, self._maybe_gone = self._maybe_gone, {}
        for viewer, viewer_id in gone.items():
            first = np.uint64(viewer << _TITLE_BITS)
            place = int(np.searchsorted(self._keys, first))
            if place == len(self._keys) or self._keys[place] >> np.uint64(_TITLE_BITS) != viewer:
                del self._viewer_index[viewer_id]
