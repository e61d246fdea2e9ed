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
    size = len(content.ids)
    years = content.years[:size]
    of_entries = years[history.homes]
    weights = np.where(of_entries > 0, history.recency / RECENT.mass, 0.0)
    used = np.flatnonzero(weights > 0.0)
    distance = np.abs(_CALENDAR - of_entries[used][:, np.newaxis])
    near = np.maximum(0.0, 1.0 - distance / SPAN_YEARS)
    by_year = np.concatenate([[0.0], (weights[used][:, np.newaxis] * near).sum(axis=0)])
    scores = by_year.take(np.maximum(years - (YEAR_FIRST - 1), 0))

    def shares(picks: Indices) -> Floats:
        distance = np.abs(of_entries[:, np.newaxis] - years[picks][np.newaxis, :])
        near = np.maximum(0.0, 1.0 - distance / SPAN_YEARS) * (years[picks] > 0)
        found: Floats = weights[:, np.newaxis] * near
        return found

    return Scored(scores, shares)


SOURCE = PersonalSource("era", "content_based", score)
