"""Era: titles released about when the viewer's last titles were.

``f(i) = (1 - d) * sum over recent titles j of d ** newer(j) * max(0, 1 - |year_i - year_j| / 10)``.
Titles without a year neither give nor get anything.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from domain.compiled import FLOAT, FLOATS, INT, INTS, NOTHING, TABLE, compiled
from domain.ranking.history import HISTORY, RECENCY, RECENT, Floats, History, Indices
from domain.slate_index import YEAR_LAST, ContentSide
from domain.sources.source import PersonalSource

SPAN_YEARS = 10
_MASS = RECENT.mass  # compiled functions read no properties


@compiled(NOTHING, INTS, HISTORY, FLOAT, FLOATS)
def _add(years: Indices, history: History, factor: float, total: Floats) -> None:
    by_year = np.zeros(YEAR_LAST + SPAN_YEARS)
    for entry in range(len(history.homes)):
        year, weight = years[history.homes[entry]], history.weights[RECENCY, entry] / _MASS
        if year > 0 and weight > 0.0:
            for apart in range(1 - SPAN_YEARS, SPAN_YEARS):
                by_year[year + apart] += weight * (1.0 - abs(apart) / SPAN_YEARS)
    by_year[0] = 0.0
    for title in range(len(total)):
        total[title] += by_year[years[title]] * factor


@compiled(NOTHING, INTS, HISTORY, INTS, INT, TABLE)
def _fill_parts(
    years: Indices, history: History, picks: Indices, start: int, parts: Floats
) -> None:
    row = start
    for entry in range(len(history.homes)):
        if not history.counted[RECENCY, entry]:
            continue
        watched = years[history.homes[entry]]
        for column in range(len(picks)):
            shown = years[picks[column]]
            apart = abs(watched - shown)
            if watched > 0 and shown > 0 and apart < SPAN_YEARS:
                parts[row, column] = 1.0 - apart / SPAN_YEARS
        row += 1


class ReleaseYears(NamedTuple):
    """The years of release."""

    @staticmethod
    def group(sources: Sequence[PersonalSource]) -> "_Group":
        """Return the group of the one source that reads years."""
        return _Group(sources)


class _Group:
    def __init__(self, sources: Sequence[PersonalSource]) -> None:
        if tuple(sources) != (SOURCE,):
            raise ValueError("one source reads years")

    def score(self, content: ContentSide, history: History) -> "_Scores":
        return _Scores(content.years, history)


class _Scores(NamedTuple):
    years: Indices
    history: History

    def add(self, factors: Floats, rows: Indices, totals: Floats) -> None:
        if factors[0] != 0.0:
            _add(self.years, self.history, float(factors[0]), totals[rows[0]])

    def fill_parts(self, picks: Indices, starts: Indices, parts: Floats) -> None:
        if starts[0] >= 0:
            _fill_parts(self.years, self.history, picks, int(starts[0]), parts)


SOURCE = PersonalSource("era", "content_based", ReleaseYears())
