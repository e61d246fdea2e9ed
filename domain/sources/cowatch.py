"""Co-watch: the closed-form item-item model (EASE, Steck 2019) over what the viewer liked.

``x(i) = sum over titles j of w_j * B[j, i]`` with the evidence of j as ``w_j`` (all of the history)
or its recency among liked titles (``RECENT``), and ``f = x / (HALF + x)``. B comes from
``domain.cowatch``; its rows hold the best positive weights.

x estimates how probable it is that i is liked, while the value model adds up logarithms of odds:
f grows like the logarithm of x where it matters, between a tenth of ``HALF`` and ten times it.
"""

from domain.slate_index import COWATCH
from domain.sources.neighbour_rows import NeighbourRows
from domain.sources.source import PersonalSource

HALF = 0.1  # x at which f is one half

_ROWS = NeighbourRows(COWATCH)
SOURCE = PersonalSource("cowatch", "collaborative", _ROWS, "evidence", HALF, saturates=True)
RECENT_SOURCE = PersonalSource(
    "cowatch_recent", "collaborative", _ROWS, "liked_recency", HALF, saturates=True
)
