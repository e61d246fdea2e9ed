"""Viewer histories in memory: compact arrays that a fit can take as they are.

Nine bytes a (viewer, title) with weight: a sorted array of packed keys and one of weights. Changes
wait in a dictionary and are merged in bulk. The last value of a pair wins, so taking the same
states in again changes nothing.
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

    def put(self, viewer_id: str, title_id: str, weight: int) -> None:
        """Set the weight (0-255) of one pair."""
        viewer = self._viewer_index.setdefault(viewer_id, len(self._viewer_index))
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
