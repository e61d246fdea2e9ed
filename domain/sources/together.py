"""Together: what those who chose the viewer's liked titles chose as well, liked or not.

``x(i) = sum over titles j of w_j * T[j, i]`` with the evidence of j as ``w_j`` and the rows T of
``domain.together``, and ``f = x / (HALF + x)`` as in ``domain.sources.cowatch``.
"""

from domain.slate_index import TOGETHER
from domain.sources.cowatch import HALF
from domain.sources.neighbour_rows import NeighbourRows
from domain.sources.source import PersonalSource

SOURCE = PersonalSource(
    "together", "collaborative", NeighbourRows(TOGETHER), "evidence", HALF, saturates=True
)
