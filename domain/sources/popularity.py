"""What all viewers do: popularity over several spans, like rate and age of each title.

Popularities are logarithms, scaled by the largest: ``log(1 + x_i) / log(1 + max x)``.
"""

from collections.abc import Callable

import numpy as np

from domain.ranking.history import Floats
from domain.slate_index import ContentSide
from domain.sources.source import CommonSource, Region

NEW_DAYS = 30.0  # a title of this age counts half as new as one first seen now


def _take_logarithms(values: Floats) -> None:
    np.log1p(values, out=values)
    largest = values.max(initial=0.0)
    if largest > 0.0:
        values /= largest


def _decayed(span: int) -> Callable[[ContentSide, Region, Floats], None]:
    def fill(content: ContentSide, region: Region, into: Floats) -> None:
        content.statistics.popularity(span, into)
        _take_logarithms(into)

    return fill


def _trending(content: ContentSide, region: Region, into: Floats) -> None:
    """Write what trends in the region where that is known, or else the shortest span."""
    found = content.trending(region)
    if not len(found.titles):
        _decayed(0)(content, region, into)
        return
    into[:] = 0.0
    into[found.titles] = found.scores
    _take_logarithms(into)


def _all_time(content: ContentSide, region: Region, into: Floats) -> None:
    into[:] = content.statistics.viewers_of(len(into))
    _take_logarithms(into)


def _like_rate(content: ContentSide, region: Region, into: Floats) -> None:
    content.statistics.like_rate(into)


def _age(content: ContentSide, region: Region, into: Floats) -> None:
    content.statistics.ages_days(into)
    _take_logarithms(into)


def _new(content: ContentSide, region: Region, into: Floats) -> None:
    content.statistics.ages_days(into)
    into /= NEW_DAYS
    into += 1.0
    np.divide(1.0, into, out=into)


TRENDING = CommonSource("trending", "trending", _trending, 1.0)
WEEK = CommonSource("popular_week", "trending", _decayed(1), 0.25)
MONTH = CommonSource("popular_month", "trending", _decayed(2), 0.25)
ALL_TIME = CommonSource("popular", "trending", _all_time, 0.25)
LIKE_RATE = CommonSource("like_rate", "context_aware", _like_rate)
AGE = CommonSource("age", "context_aware", _age)
NEW = CommonSource("new", "context_aware", _new)
SOURCES = (TRENDING, WEEK, MONTH, ALL_TIME, LIKE_RATE, AGE, NEW)
