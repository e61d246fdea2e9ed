"""Embedding: titles whose texts are about what those of the viewer's last titles are.

``x(i) = (1 - d) * sum over recent titles j of d ** newer(j) * cos(v_j, v_i)`` with the vectors of
``domain.embedding`` and d from ``RECENT``, and ``f = x / (1 + x)``. Only pairs in the rows of
``domain.embedding_neighbours`` count. The one personal source that needs nobody to have watched i
and no attribute in common.
"""

from domain.ranking.history import RECENT, History
from domain.slate_index import EMBEDDING, ContentSide
from domain.sources.source import PersonalSource, Scored, of_rows


def score(content: ContentSide, history: History) -> Scored:
    """Return the decayed cosine to the texts of the viewer's last titles, by their homes."""
    weights = history.recency / RECENT.mass
    return of_rows(content, EMBEDDING, history.homes, weights, history.reach)


SOURCE = PersonalSource("embedding", "content_based", score, saturates=True)
