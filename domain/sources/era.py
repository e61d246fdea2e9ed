"""Era: titles released about when the viewer's last titles were.

``f(i) = (1 - d) * sum over recent titles j of d ** newer(j) * max(0, 1 - |year_i - year_j| / 10)``.
Titles without a year neither give nor get anything.
"""

import numpy as np

from domain.compiled import FLOAT, FLOATS, INTS, NOTHING, TABLE, compiled
from domain.ranking.history import RECENT, Floats, History, Indices
from domain.slate_index import YEAR_LAST, ContentSide
from domain.sources.source import PersonalSource, Scored

SPAN_YEARS = 10
_MASS = RECENT.mass  # compiled functions read no properties


@compiled(NOTHING, INTS, INTS, FLOATS, FLOAT, FLOATS)
def _add(years: Indices, watched: Indices, weights: Floats, factor: float, total: Floats) -> None:
    by_year = np.zeros(YEAR_LAST + SPAN_YEARS)
    for place in range(len(watched)):
        if watched[place] > 0:
            weight = weights[place] / _MASS
            for apart in range(1 - SPAN_YEARS, SPAN_YEARS):
                by_year[watched[place] + apart] += weight * (1.0 - abs(apart) / SPAN_YEARS)
    by_year[0] = 0.0
    for title in range(len(years)):
        total[title] += by_year[years[title]] * factor


@compiled(TABLE, INTS, INTS)
def _parts(watched: Indices, shown: Indices) -> Floats:
    found = np.zeros((len(watched), len(shown)))
    for row in range(len(watched)):
        for column in range(len(shown)):
            apart = abs(watched[row] - shown[column])
            if watched[row] > 0 and shown[column] > 0 and apart < SPAN_YEARS:
                found[row, column] = 1.0 - apart / SPAN_YEARS
    return found


def score(content: ContentSide, history: History) -> Scored:
    """Return the closeness in release year to the viewer's last titles."""
    years = content.years[: len(content.ids)]
    watched = years[history.homes[history.reach]]

    weights = history.recency[history.reach]
    return Scored(
        len(years),
        lambda total, factor: _add(years, watched, weights, factor, total),
        history.reach,
        lambda picks: _parts(watched, years[picks]),
    )


SOURCE = PersonalSource("era", "content_based", score)
