"""What is known of a viewer and a title when the viewer starts it: the regressors of completion.

``past_of`` counts strictly what happened before each start, so no row sees its own outcome or a
later one. ``matrix_of`` makes regressors of such counts, wherever they come from: a ranker that
keeps counts of its own gets the same numbers.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.regression.logit import Floats
from domain.regression.starts import NEVER_MS, Indices, Starts, Times
from schemas.times import DAY_MS

PRIOR_STARTS = 5.0  # a rate counts as if this many starts had gone like the average
DURATION_UNKNOWN_S = 6000.0  # 100 min, the median of the 16,173 films with a runtime in movies.db
_DAY_0 = 3  # 1 January 1970 was a Thursday: weekday 3 from Monday 0
_WEEKEND_FROM = 5

NAMES = (
    "content_completion_logit", "content_starts_log", "content_age_log",
    "viewer_completion_logit", "viewer_starts_log",
    "hour_sin", "hour_cos", "weekend", "runtime_log", "rewatch",
)  # fmt: skip


class Past(NamedTuple):
    """What had happened before each start; one entry a row in every array.

    Counts cover all viewers of the content, all contents of the viewer, and everything.
    ``content_since_ms`` is the first start of the content by anybody, the row's own included.
    """

    content_starts: Floats
    content_completions: Floats
    viewer_starts: Floats
    viewer_completions: Floats
    all_starts: Floats
    all_completions: Floats
    content_since_ms: Times
    at_ms: Times
    duration_s: Floats
    rewatch: Floats


def past_of(starts: Starts) -> Past:
    """Return the past of every start; equal times do not see each other."""
    at_ms = starts.rows["started_at_ms"]
    content_starts, content_completions = _counts_before(starts.contents, starts.rows)
    viewer_starts, viewer_completions = _counts_before(starts.viewers, starts.rows)
    all_starts, all_completions = _counts_before(np.zeros_like(starts.contents), starts.rows)
    first = np.full(len(starts.content_ids), NEVER_MS)
    earlier = np.minimum(at_ms, starts.rows["earlier_at_ms"])
    np.minimum.at(first, starts.contents, earlier)
    return Past(
        content_starts, content_completions, viewer_starts, viewer_completions,
        all_starts, all_completions, first[starts.contents], at_ms,
        starts.rows["duration_s"].astype(np.float64), (starts.rows["epoch"] > 0).astype(np.float64),
    )  # fmt: skip


def matrix_of(past: Past) -> Floats:
    """Return rows x ``NAMES``. Times of day and weekends are UTC: viewers' zones are not known."""
    average = (past.all_completions + 1.0) / (past.all_starts + 2.0)
    angle = 2.0 * np.pi * (past.at_ms % DAY_MS) / DAY_MS
    weekday = (past.at_ms // DAY_MS + _DAY_0) % 7
    duration_s = np.where(past.duration_s > 0, past.duration_s, DURATION_UNKNOWN_S)
    return np.column_stack(
        [
            _smoothed_logit(past.content_completions, past.content_starts, average),
            np.log1p(past.content_starts),
            np.log1p((past.at_ms - past.content_since_ms) / DAY_MS),
            _smoothed_logit(past.viewer_completions, past.viewer_starts, average),
            np.log1p(past.viewer_starts),
            np.sin(angle),
            np.cos(angle),
            weekday >= _WEEKEND_FROM,
            np.log(duration_s),
            past.rewatch,
        ]
    )


def design_of(
    starts: Starts, extra: Mapping[str, Floats] | None = None
) -> tuple[tuple[str, ...], Floats]:
    """Return names and matrix of every start; ``extra`` adds columns, one value a start, by name.

    Scores of the ranking sources come from ``domain.regression.source_scores``.
    """
    added = dict(extra or {})
    matrix = matrix_of(past_of(starts))
    return (*NAMES, *added), np.column_stack([matrix, *added.values()])


def _smoothed_logit(completions: Floats, starts: Floats, average: Floats) -> Floats:
    yes = completions + PRIOR_STARTS * average
    no = starts - completions + PRIOR_STARTS * (1.0 - average)
    logits: Floats = np.log(yes / no)
    return logits


def _counts_before(groups: Indices, rows: NDArray[np.void]) -> tuple[Floats, Floats]:
    """Return how many starts and completions the group of each row had before the row's start."""
    at_ms, earlier = rows["started_at_ms"], rows["earlier_at_ms"]
    begun = _Events(groups, at_ms, earlier).before(groups, at_ms)
    return begun, _Events(groups, rows["completed_at_ms"], earlier).before(groups, at_ms)


class _Events:
    """Times of one kind of event by group: dense ranks of the times, one sortable key an event."""

    def __init__(self, groups: Indices, *times: Times) -> None:
        at_ms = np.concatenate(times)
        happened = at_ms != NEVER_MS
        self._times = np.unique(at_ms[happened])
        groups = np.tile(groups, len(times))[happened]
        self._keys = np.sort(self._key(groups, np.searchsorted(self._times, at_ms[happened])))

    def before(self, groups: Indices, at_ms: Times) -> Floats:
        """Return the number of events of each row's group strictly before ``at_ms``."""
        first = np.searchsorted(self._keys, self._key(groups, np.zeros_like(groups)))
        rank = np.searchsorted(self._times, at_ms)  # as many distinct times are earlier
        until = np.searchsorted(self._keys, self._key(groups, rank))
        counts: Floats = (until - first).astype(np.float64)
        return counts

    def _key(self, groups: Indices, ranks: Indices) -> Indices:
        return groups * (len(self._times) + 1) + ranks
