"""What all viewers do: popularity over several spans, like rate and age of each title.

Popularities are logarithms, scaled by the largest: ``log(1 + x_i) / log(1 + max x)``.
"""

from collections.abc import Callable

import numpy as np

from domain.ranking.history import Floats
from domain.slate_index import ContentSide
from domain.sources.source import CommonSource, Region

NEW_DAYS = 30.0  # a title of this age counts half as new as one first seen now


def _logarithmic(values: Floats) -> Floats:
    largest = float(values.max(initial=0.0))
    if largest <= 0.0:
        return np.zeros(len(values))
    found: Floats = np.log1p(values) / np.log1p(largest)
    return np.minimum(found, 1.0)


def _decayed(span: int) -> Callable[[ContentSide, Region], Floats]:
    def score(content: ContentSide, region: Region) -> Floats:
        return _logarithmic(content.statistics.popularity(span, len(content.ids)))

    return score


def _trending(content: ContentSide, region: Region) -> Floats:
    """Return what trends in the region where that is known, or else the shortest span."""
    found = content.trending(region)
    if not len(found.titles):
        return _decayed(0)(content, region)
    scores = np.zeros(len(content.ids))
    scores[found.titles] = found.scores
    return _logarithmic(scores)


def _all_time(content: ContentSide, region: Region) -> Floats:
    return _logarithmic(content.statistics.viewers_of(len(content.ids)))


def _like_rate(content: ContentSide, region: Region) -> Floats:
    return content.statistics.like_rate(len(content.ids))


def _age(content: ContentSide, region: Region) -> Floats:
    return _logarithmic(content.statistics.ages_days(len(content.ids)))


def _new(content: ContentSide, region: Region) -> Floats:
    found: Floats = 1.0 / (1.0 + content.statistics.ages_days(len(content.ids)) / NEW_DAYS)
    return found


TRENDING = CommonSource("trending", "trending", _trending, 1.0)
WEEK = CommonSource("popular_week", "trending", _decayed(1), 0.25)
MONTH = CommonSource("popular_month", "trending", _decayed(2), 0.25)
ALL_TIME = CommonSource("popular", "trending", _all_time, 0.25)
LIKE_RATE = CommonSource("like_rate", "context_aware", _like_rate)
AGE = CommonSource("age", "context_aware", _age)
NEW = CommonSource("new", "context_aware", _new)
SOURCES = (TRENDING, WEEK, MONTH, ALL_TIME, LIKE_RATE, AGE, NEW)
