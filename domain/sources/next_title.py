"""Next title: what viewers touched soon after the titles that this one touched last.

``x(i) = (1 - d) * sum over recent titles j of d ** newer(j) * P(i | j)`` and ``f = x / (1 + x)``,
where ``P(i | j)`` comes from ``domain.ranking.sequences`` and d from ``RECENT``.
"""

from domain.ranking.history import RECENT, History
from domain.slate_index import NEXT, ContentSide
from domain.sources.source import PersonalSource, Scored, of_rows


def score(content: ContentSide, history: History) -> Scored:
    """Return the decayed probability of following the viewer's last titles."""
    weights = history.recency / RECENT.mass
    return of_rows(content, NEXT, history.homes, weights, history.reach)


SOURCE = PersonalSource("next_title", "collaborative", score, saturates=True)
