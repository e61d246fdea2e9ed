"""Together: what those who chose the viewer's liked titles chose as well, liked or not.

``x(i) = sum over titles j of w_j * T[j, i]`` with the evidence of j as ``w_j`` and the rows T of
``domain.together``, and ``f = x / (HALF + x)`` as in ``domain.sources.cowatch``.
"""

import numpy as np

from domain.ranking.history import History
from domain.slate_index import TOGETHER, ContentSide
from domain.sources.cowatch import HALF
from domain.sources.source import PersonalSource, Scored, of_rows


def score(content: ContentSide, history: History) -> Scored:
    """Return the score from everything the viewer liked."""
    entries = np.flatnonzero(history.evidence)
    return of_rows(content, TOGETHER, history.titles, history.evidence / HALF, entries)


SOURCE = PersonalSource("together", "collaborative", score, "evidence", HALF, saturates=True)
