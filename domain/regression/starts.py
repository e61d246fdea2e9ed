"""Watch states -> starts: who began what when, and how it ended; packed for vectorised work.

One start a (viewer, title): that of the current epoch. Of earlier epochs a watch state keeps only
the first completion, which counts as a start and a completion at that moment.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.regression.logit import Floats
from schemas.times import DAY_MS
from schemas.watch_state import WatchState

Times = NDArray[np.int64]
Indices = NDArray[np.int64]

DECIDED_AFTER_MS = DAY_MS  # a film left in the evening is mostly taken up within a day
NEVER_MS = np.iinfo(np.int64).max
START_FIELDS = np.dtype(
    [
        ("started_at_ms", np.int64),
        ("completed_at_ms", np.int64),  # of this epoch; NEVER_MS: not completed
        ("earlier_at_ms", np.int64),  # first completion of an earlier epoch; NEVER_MS: none
        ("updated_at_ms", np.int64),
        ("duration_s", np.float32),  # 0: unknown
        ("progress", np.float32),  # furthest, 0-1
        ("epoch", np.int32),
    ]
)


class Start(NamedTuple):
    """One start; the fields of ``START_FIELDS``."""

    started_at_ms: int
    completed_at_ms: int
    earlier_at_ms: int
    updated_at_ms: int
    duration_s: float
    progress: float
    epoch: int


class SourceScores(NamedTuple):
    """What each ranking source gave a title (0-1) just before its start of this epoch."""

    epoch: int
    scores: tuple[float, ...]


class Starts(NamedTuple):
    """Starts in order of time, then viewer id, then content id; one entry per (viewer, title).

    ``viewers`` and ``contents`` are dense indices; ``content_ids[i]`` names content i, sorted.
    ``rows`` has the fields of ``START_FIELDS``. ``scores`` has one column for each of ``sources``,
    0-1; the whole row is NaN where they are not known.
    """

    viewers: Indices
    contents: Indices
    content_ids: tuple[str, ...]
    rows: NDArray[np.void]
    sources: tuple[str, ...]
    scores: NDArray[np.float32]

    def take(self, kept: NDArray[np.bool_]) -> "Starts":
        """Return the starts where ``kept`` is true, with the same indices."""
        return self._replace(
            viewers=self.viewers[kept],
            contents=self.contents[kept],
            rows=self.rows[kept],
            scores=self.scores[kept],
        )


def start_of(state: WatchState) -> Start | None:
    """Return the start that a watch state tells of; None when nothing was played.

    When a rewatch was completed is not in the state: its last playback event is taken.
    """
    if state.started_at_ms is None:
        return None
    first = NEVER_MS if state.completed_at_ms is None else state.completed_at_ms
    completed_at_ms = state.updated_at_ms if state.epoch else first
    return Start(
        started_at_ms=state.started_at_ms,
        # Clocks of two devices may disagree; nothing ends before it begins.
        completed_at_ms=max(completed_at_ms, state.started_at_ms) if state.completed else NEVER_MS,
        earlier_at_ms=first if state.epoch else NEVER_MS,
        updated_at_ms=state.updated_at_ms,
        duration_s=state.duration_s,
        progress=state.progress,
        epoch=state.epoch,
    )


def labels_of(starts: Starts) -> Floats:
    """Return 1 for each completed start, otherwise 0."""
    labels: Floats = (starts.rows["completed_at_ms"] != NEVER_MS).astype(np.float64)
    return labels


def decided_at_ms(starts: Starts) -> Times:
    """Return from when on the label of each start counts as known, Unix milliseconds.

    Both labels wait ``DECIDED_AFTER_MS`` from the start, and what is not completed as long from the
    last report. If completions counted at once, the newest starts would be completed ones only.
    """
    rows = starts.rows
    waited = rows["started_at_ms"] + DECIDED_AFTER_MS
    untouched = np.maximum(waited, rows["updated_at_ms"] + DECIDED_AFTER_MS)
    completed_at_ms = rows["completed_at_ms"]
    times: Times = np.where(
        completed_at_ms == NEVER_MS, untouched, np.maximum(waited, completed_at_ms)
    )
    return times


def decided(starts: Starts) -> NDArray[np.bool_]:
    """Return which labels are known at the newest event of all: event time, not the clock."""
    newest = starts.rows["updated_at_ms"].max(initial=0)
    known: NDArray[np.bool_] = decided_at_ms(starts) <= newest
    return known
