"""Exploration: some places of a slate go to titles about which little is known.

Every ``1 / budget``-th place (``domain.ranking.budget``) is given to a title that fewer than
``VIEWERS_MAX`` viewers engaged with, the one with the largest upper confidence bound on being liked
(UCB on the Beta posterior: mean + ``WIDTH`` standard deviations), weighed by how well it fits the
viewer. The budget is a setting and its use a metric; an entry says that it is one.

Liked is finished or rated high, and not refused (``domain.evidence``): this is the posterior of
completing a title, or rating it high, once engaged with, under a uniform prior, with the title's
own viewers as trials. Who is still watching counts as not finished yet. The regression of
``domain.regression.completion`` plays no part: its errors are those of coefficients that all titles
share, not of what is unknown of one.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from domain.compiled import FLAGS, FLOAT, FLOATS, INT, INTS, compiled, tuple_of
from domain.ranking import selection
from domain.ranking.history import Flags, Floats, Indices
from domain.slate_index import ContentSide

VIEWERS_MAX = 10.0
WIDTH = 1.0
PRIOR_LIKES, PRIOR_REST = 1.0, 1.0
NEW_DAYS = 30.0  # of event time since the first viewer
NEW_MAX = 500  # titles among which "new for you" looks
FIT_FLOOR = 0.2  # of a title that nothing speaks for: it is explored last, not never


def upper_bounds(content: ContentSide) -> Floats:
    """Return the upper bound of each title's chance to be finished or rated high by who starts it.

    0-1; 0 where enough is known.
    """
    size = len(content.ids)
    viewers = content.statistics.viewers_of(size)
    likes = np.minimum(content.statistics.likes_of(size), viewers)
    a, b = likes + PRIOR_LIKES, viewers - likes + PRIOR_REST
    total = a + b
    bound = a / total + WIDTH * np.sqrt(a * b / (total * total * (total + 1.0)))
    found: Floats = np.where(viewers < VIEWERS_MAX, np.minimum(bound, 1.0), 0.0)
    return found


class Shown(NamedTuple):
    """Which titles may be recommended (a flag each), and those that are shown already."""

    allowed: Flags
    shown: Indices


def choose(id_order: Indices, bounds: Floats, own: Floats, of: Shown, count: int) -> Indices:
    """Return up to ``count`` titles to explore, best first, ties by content id.

    Args:
        id_order: place of each title in order of content id.
        bounds: upper confidence bound of each title, 0 where enough is known.
        own: the personal part of each score.
        of: what may be chosen.
        count: how many.
    """
    largest = float(own.max(initial=0.0))
    unit = (1.0 - FIT_FLOOR) / largest if largest > 0.0 else 0.0
    found: Indices = _choose(id_order, bounds, own, of, (unit, count))
    return found


@compiled(INTS, INTS, FLOATS, FLOATS, tuple_of(Shown, FLAGS, INTS), types.Tuple((FLOAT, INT)))
def _choose(
    id_order: Indices, bounds: Floats, own: Floats, of: Shown, how: tuple[float, int]
) -> Indices:
    """Return the titles with the largest bound times fit; how: (fit of one point, how many)."""
    unit, count = how
    values, unknown = np.empty(len(own)), np.empty(len(own), dtype=np.bool_)
    for title in range(len(own)):  # no branch: which titles are known is nothing one can guess
        unknown[title] = of.allowed[title] & (bounds[title] > 0.0)
        values[title] = bounds[title] * (FIT_FLOOR + unit * own[title])
    for title in of.shown:
        unknown[title] = False
    return selection.take_best(values, unknown, id_order, count)


def new_titles(content: ContentSide) -> Indices:
    """Return up to ``NEW_MAX`` titles that are new here or known to few, the newest release first.

    New is what had its first viewer within ``NEW_DAYS`` or has fewer than ``VIEWERS_MAX`` of them.
    That may be most of a catalogue, so the release year, the newest thing known of a title nobody
    saw, decides; then fewer viewers, then content id.
    """
    size = len(content.ids)
    viewers, years = content.statistics.viewers_of(size), content.years[:size]
    ages_days = np.empty(size)
    content.statistics.ages_days(ages_days)
    new = (viewers < VIEWERS_MAX) | (ages_days <= NEW_DAYS)
    found = np.flatnonzero(new & content.recommendable[:size])
    if len(found) > NEW_MAX:
        least = np.partition(years[found], len(found) - NEW_MAX)[len(found) - NEW_MAX]
        found = found[years[found] >= least]
    ids = content.ids
    order = sorted(found.tolist(), key=lambda each: (-years[each], viewers[each], ids[each]))
    return np.array(order[:NEW_MAX], dtype=np.int64)
