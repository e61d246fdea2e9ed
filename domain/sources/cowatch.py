"""Co-watch: the closed-form item-item model (EASE, Steck 2019) over what the viewer liked.

``x(i) = sum over titles j of w_j * B[j, i]`` with the evidence of j as ``w_j`` (all of the history)
or its recency among liked titles (``RECENT``), and ``f = x / (1 + x)``. B comes from
``domain.cowatch``; its rows hold the best positive weights.
"""

import numpy as np

from domain.ranking.history import History
from domain.slate_index import COWATCH, ContentSide
from domain.sources.source import PersonalSource, Scored, of_rows


def score(content: ContentSide, history: History) -> Scored:
    """Return the model's score from everything the viewer liked."""
    entries = np.flatnonzero(history.evidence)
    return of_rows(content, COWATCH, history.titles, history.evidence, entries)


def score_recent(content: ContentSide, history: History) -> Scored:
    """Return the model's score from what the viewer liked last."""
    weights = history.liked_recency
    return of_rows(content, COWATCH, history.titles, weights, history.liked_reach)


SOURCE = PersonalSource("cowatch", "collaborative", score, "evidence", 1.0, saturates=True)
RECENT_SOURCE = PersonalSource(
    "cowatch_recent", "collaborative", score_recent, "liked_recency", 1.0, saturates=True
)
