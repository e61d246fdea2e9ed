"""Era: titles released about when the viewer's last titles were.

``f(i) = (1 - d) * sum over recent titles j of d ** newer(j) * max(0, 1 - |year_i - year_j| / 10)``.
Titles without a year neither give nor get anything.
"""

import numpy as np

from domain.ranking.history import RECENT, Floats, History, Indices
from domain.slate_index import YEAR_FIRST, YEARS, ContentSide
from domain.sources.source import PersonalSource, Scored

SPAN_YEARS = 10
_CALENDAR = np.arange(YEAR_FIRST, YEAR_FIRST + YEARS)


def score(content: ContentSide, history: History) -> Scored:
    """Return the closeness in release year to the viewer's last titles."""
    years = content.years[: len(content.ids)]
    known = years[history.homes[history.reach]][:, np.newaxis]
    weights = history.recency[history.reach] / RECENT.mass
    near = np.maximum(0.0, 1.0 - np.abs(_CALENDAR - known) / SPAN_YEARS)
    near *= known > 0
    by_year = np.concatenate([[0.0], (weights[:, np.newaxis] * near).sum(axis=0)])
    places = np.maximum(years - (YEAR_FIRST - 1), 0)  # 0: no year

    def said(picks: Indices) -> Floats:
        shown = places[picks]
        found: Floats = near[:, shown - 1] * (shown > 0)
        return found

    return Scored(by_year.take(places), history.reach, said)


SOURCE = PersonalSource("era", "content_based", score)
