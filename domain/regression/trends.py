"""How titles do and how viewers watch: completion rates, engagement trends, two tendencies."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from domain.regression.logit import Floats
from domain.regression.starts import NEVER_MS, Indices, Start, Starts, labels_of
from schemas.times import DAY_MS

CONFIDENCE = 0.95
POINTS_MIN = 3  # days with starts: two fix the line and leave nothing to tell its error from
SESSION_GAP_MS = 3 * 3600 * 1000  # what begins later than this after the last end is a new session
BINGE_COMPLETIONS = 2  # titles or episodes completed in one session
BINGE_PRIOR = (1.0, 4.0)  # Beta: a viewer nobody knows binges in one of five sessions
ABANDON_PRIOR = (1.0, 1.0)  # Beta: no opinion


class Rate(NamedTuple):
    """Shares 0-1 with a confidence interval."""

    value: Floats
    low: Floats
    high: Floats


class Trend(NamedTuple):
    """Slopes per day with a confidence interval; NaN where the days do not determine them."""

    slope: Floats
    low: Floats
    high: Floats


class ContentTrends(NamedTuple):
    """One entry per content of ``Starts.content_ids``; those without starts have ``starts`` 0."""

    starts: Indices
    completions: Indices
    since_ms: Indices
    rate: Rate
    trend: Trend


class Tendency(NamedTuple):
    """Smoothed shares 0-1 of one viewer, and what they are shares of."""

    binge: float
    sessions: int
    abandon: float
    starts: int


def wilson(successes: Floats, trials: Floats) -> Rate:
    """Return shares with their 95 % score intervals (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927).

    The interval stays in 0-1 and has a width at 0 and n of n; of no trials it is the whole of 0-1
    with the value 0.5, its middle.
    """
    z2 = float(ndtri(0.5 + CONFIDENCE / 2)) ** 2
    centre = (successes + z2 / 2) / (trials + z2)
    spread = np.sqrt(z2 * (successes * (trials - successes) / np.maximum(trials, 1) + z2 / 4))
    spread = spread / (trials + z2)
    value = np.where(trials > 0, successes / np.maximum(trials, 1), 0.5)
    # Rounding must not put the value outside its own interval at 0 and n of n.
    return Rate(value, np.minimum(centre - spread, value), np.maximum(centre + spread, value))


def slopes(groups: Indices, x: Floats, y: Floats, group_count: int) -> Trend:
    """Return the least-squares slope of y on x in each group, with its 95 % t interval.

    The same numbers as statsmodels' ``OLS(y, [1, x])``, for all groups at once. NaN with fewer than
    ``POINTS_MIN`` points or constant x; constant y has the slope 0 and the interval [0, 0].

    Args:
        groups: group of each point, 0 to ``group_count`` - 1.
        x: finite.
        y: finite.
        group_count: how many groups there are.

    Raises:
        ValueError: a number is not finite.
    """
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("points of a trend are finite")

    def total(values: Floats | None) -> Floats:
        sums: Floats = np.bincount(groups, values, minlength=group_count).astype(np.float64)
        return sums

    points = total(None)
    counted = np.maximum(points, 1)
    x = x - (total(x) / counted)[groups]
    y = y - (total(y) / counted)[groups]
    spread = total(x * x)
    usable = (points >= POINTS_MIN) & (spread > 0)
    spread = np.where(usable, spread, np.nan)
    slope = total(x * y) / spread
    left = total((y - np.where(usable, slope, 0.0)[groups] * x) ** 2)
    freedom = np.maximum(points - 2, 1)
    error = np.sqrt(left / freedom / spread) * stdtrit(freedom, 0.5 + CONFIDENCE / 2)
    return Trend(slope, slope - error, slope + error)


def content_trends(starts: Starts) -> ContentTrends:
    """Return how each content does: completed starts, and the trend of the daily mean progress.

    A day's point is the mean furthest progress (0-1) of the starts of that UTC day; days without
    starts have none. Give decided starts: of those still being watched the progress is not final.
    """
    count = len(starts.content_ids)
    at_ms = starts.rows["started_at_ms"]
    begun = np.bincount(starts.contents, minlength=count)
    completed = np.bincount(starts.contents, labels_of(starts), minlength=count).astype(np.int64)
    since_ms = np.full(count, NEVER_MS)
    np.minimum.at(since_ms, starts.contents, at_ms)
    days, day_of = np.unique(at_ms // DAY_MS, return_inverse=True)
    cells, cell_of = np.unique(starts.contents * len(days) + day_of, return_inverse=True)
    progress = np.bincount(cell_of, starts.rows["progress"]) / np.bincount(cell_of)
    trend = slopes(
        cells // max(len(days), 1), days[cells % max(len(days), 1)].astype(float), progress, count
    )
    rate = wilson(completed.astype(float), begun.astype(float))
    return ContentTrends(begun, completed, since_ms, rate, trend)


def viewer_tendency(starts: Iterable[Start]) -> Tendency:
    """Return how one viewer watches, from decided starts in any order.

    A session goes on while the next title begins within ``SESSION_GAP_MS`` of the last one's end.
    Both shares are Beta posterior means, so few starts say little.
    """
    completions: list[int] = []  # of each session
    begun = abandoned = 0
    ended_at_ms = -SESSION_GAP_MS - 1
    for start in sorted(starts):
        if start.started_at_ms - ended_at_ms > SESSION_GAP_MS:
            completions.append(0)
        ended_at_ms = max(ended_at_ms, start.updated_at_ms)
        is_completed = start.completed_at_ms != NEVER_MS
        completions[-1] += is_completed
        begun += 1
        abandoned += not is_completed
    binges = sum(count >= BINGE_COMPLETIONS for count in completions)
    return Tendency(
        binge=_posterior_mean(binges, len(completions), BINGE_PRIOR),
        sessions=len(completions),
        abandon=_posterior_mean(abandoned, begun, ABANDON_PRIOR),
        starts=begun,
    )


def _posterior_mean(successes: int, trials: int, prior: tuple[float, float]) -> float:
    return (successes + prior[0]) / (trials + sum(prior))
