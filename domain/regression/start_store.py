"""Starts and their scores in memory, in arrays that a fit can take as they are.

52 bytes a (viewer, title), and 4 a source and 12 more where the scores of the sources are known.
Changes wait in dictionaries and are merged in bulk. The last value of a pair wins, so taking the
same records in again changes nothing, and what comes out does not depend on the order of arrival:
starts and scores are joined when they are asked for, whichever came first. A viewer of whom neither
is left (erasure) has no number any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.regression.starts import START_FIELDS, SourceScores, Start, Starts

PENDING_MAX = 200_000
_CONTENT_BITS = np.uint64(32)

Keys = NDArray[np.uint64]


class StartStore:
    """The latest start, and the latest scores of one, by (viewer, title) id."""

    def __init__(self, sources: Sequence[str] = ()) -> None:
        self._sources = tuple(sources)
        self._viewer_index: dict[str, int] = {}
        self._viewers_ever = 0  # numbers are not given again
        self._maybe_gone: dict[int, str] = {}  # viewers of whom something was taken out
        self._content_index: dict[str, int] = {}
        self._starts = _PackedRows(START_FIELDS)
        scores = ("scores", np.float32, (len(self._sources),))
        self._scores = _PackedRows(np.dtype([("epoch", np.int32), scores]))

    def put(self, viewer_id: str, content_id: str, start: Start | None) -> None:
        """Set the start of one pair; None takes it out."""
        self._starts.put(self._key(viewer_id, content_id, start), start)

    def put_scores(self, viewer_id: str, content_id: str, scores: SourceScores | None) -> None:
        """Set the scores of one pair, one for each source of the store; None takes them out."""
        self._scores.put(self._key(viewer_id, content_id, scores), scores)

    def starts(self) -> Starts:
        """Return all starts, in order of time, with the scores of those that have any."""
        keys, rows = self._starts.merged()
        self._drop_viewers()
        viewer_ranks, _ = _ranks(self._viewer_index, self._viewers_ever)
        content_ranks, content_ids = _ranks(self._content_index, len(self._content_index))
        viewers = viewer_ranks[keys >> _CONTENT_BITS]
        contents = content_ranks[keys & np.uint64((1 << int(_CONTENT_BITS)) - 1)]
        order = np.lexsort((contents, viewers, rows["started_at_ms"]))
        return Starts(
            viewers[order], contents[order], content_ids, rows[order],
            self._sources, self._scores_of(keys[order], rows["epoch"][order]),
        )  # fmt: skip

    def _scores_of(self, keys: Keys, epochs: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the scores of each start; NaN without any, or with those of another epoch."""
        scored, rows = self._scores.merged()
        _, ours, theirs = np.intersect1d(keys, scored, assume_unique=True, return_indices=True)
        same = epochs[ours] == rows["epoch"][theirs]
        found = np.full((len(keys), len(self._sources)), np.nan, dtype=np.float32)
        found[ours[same]] = rows["scores"][theirs[same]]
        return found

    def _drop_viewers(self) -> None:
        """Forget the ids of viewers of whom nothing is left."""
        gone, self._maybe_gone = self._maybe_gone, {}
        if not gone:
            return
        kept = np.concatenate([self._starts.merged()[0], self._scores.merged()[0]])
        numbers = np.fromiter(gone, dtype=np.uint64, count=len(gone))
        left = np.isin(numbers, kept >> _CONTENT_BITS)
        for viewer_id, stays in zip(gone.values(), left.tolist(), strict=True):
            if not stays:
                del self._viewer_index[viewer_id]

    def _key(self, viewer_id: str, content_id: str, row: object) -> int:
        viewer = self._viewer_index.setdefault(viewer_id, self._viewers_ever)
        self._viewers_ever = max(self._viewers_ever, viewer + 1)
        if row is None:
            self._maybe_gone[viewer] = viewer_id
        content = self._content_index.setdefault(content_id, len(self._content_index))
        return viewer << int(_CONTENT_BITS) | content


class _PackedRows:
    """Rows of one packed type by key."""

    def __init__(self, fields: np.dtype[np.void]) -> None:
        self._keys: Keys = np.empty(0, dtype=np.uint64)
        self._rows: NDArray[np.void] = np.empty(0, dtype=fields)
        self._pending: dict[int, tuple[Any, ...] | None] = {}

    def put(self, key: int, row: tuple[Any, ...] | None) -> None:
        """Set one row; None takes it out."""
        self._pending[key] = row
        if len(self._pending) >= PENDING_MAX:
            self.merged()

    def merged(self) -> tuple[Keys, NDArray[np.void]]:
        """Return keys and rows, in no particular order."""
        if self._pending:
            changed = np.fromiter(self._pending, dtype=np.uint64, count=len(self._pending))
            present = {key: row for key, row in self._pending.items() if row is not None}
            added = np.fromiter(present, dtype=np.uint64, count=len(present))
            rows = np.array(list(present.values()), dtype=self._rows.dtype)
            self._pending = {}
            kept = ~np.isin(self._keys, changed)
            self._keys = np.concatenate([self._keys[kept], added])
            self._rows = np.concatenate([self._rows[kept], rows])
        return self._keys, self._rows


def _ranks(index: Mapping[str, int], size: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return, by number (below ``size``), the rank of each name among the sorted ones; and these.

    Numbers without a name have rank -1.
    """
    names = sorted(index)
    ranks = np.full(size, -1, dtype=np.int64)
    ranks[[index[name] for name in names]] = np.arange(len(names))
    return ranks, tuple(names)
