"""Co-watch: the closed-form item-item model (EASE, Steck 2019) over what the viewer liked.

``x(i) = sum over titles j of w_j * B[j, i]`` with the evidence of j as ``w_j`` (all of the history)
or its recency among liked titles (``RECENT``), and ``f = x / (HALF + x)``. B comes from
``domain.cowatch``; its rows hold the best positive weights.

x estimates how probable it is that i is liked, while the value model adds up logarithms of odds:
f grows like the logarithm of x where it matters, between a tenth of ``HALF`` and ten times it.
"""

import numpy as np

from domain.ranking.history import History
from domain.slate_index import COWATCH, ContentSide
from domain.sources.source import PersonalSource, Scored, of_rows

HALF = 0.1  # x at which f is one half


def score(content: ContentSide, history: History) -> Scored:
    """Return the model's score from everything the viewer liked."""
    entries = np.flatnonzero(history.evidence)
    return of_rows(content, COWATCH, history.titles, history.evidence / HALF, entries)


def score_recent(content: ContentSide, history: History) -> Scored:
    """Return the model's score from what the viewer liked last."""
    weights = history.liked_recency / HALF
    return of_rows(content, COWATCH, history.titles, weights, history.liked_reach)


SOURCE = PersonalSource("cowatch", "collaborative", score, "evidence", HALF, saturates=True)
RECENT_SOURCE = PersonalSource(
    "cowatch_recent", "collaborative", score_recent, "liked_recency", HALF, saturates=True
)
