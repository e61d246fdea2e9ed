"""Next title: what viewers touched soon after the titles that this one touched last.

``x(i) = (1 - d) * sum over recent titles j of d ** newer(j) * P(i | j)`` and ``f = x / (1 + x)``,
where ``P(i | j)`` comes from ``domain.ranking.sequences`` and d from ``RECENT``.
"""

from domain.slate_index import NEXT
from domain.sources.neighbour_rows import NeighbourRows
from domain.sources.source import PersonalSource

SOURCE = PersonalSource(
    "next_title", "collaborative", NeighbourRows(NEXT, by_home=True), saturates=True
)
