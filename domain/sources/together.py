"""Together: titles that the same viewers engaged with, liked or not (item-item cosine).

``x(i) = (1 - d) * sum over recent titles j of d ** newer(j) * n_ij / sqrt(n_i * n_j)``, where n_ij
viewers engaged with both (``domain.together``), and ``f = x / (1 + x)``. What a viewer chooses at
all says more about the next choice than what they liked of it.
"""

from domain.ranking.history import RECENT, History
from domain.slate_index import TOGETHER, ContentSide
from domain.sources.source import PersonalSource, Scored, of_rows


def score(content: ContentSide, history: History) -> Scored:
    """Return the decayed cosine to the viewer's last titles."""
    weights = history.recency / RECENT.mass
    return of_rows(content, TOGETHER, history.titles, weights, history.reach)


SOURCE = PersonalSource("together", "collaborative", score, saturates=True)
