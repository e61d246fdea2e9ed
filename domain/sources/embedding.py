"""Embedding: titles whose texts are about what those of the viewer's last titles are.

``x(i) = (1 - d) * sum over recent titles j of d ** newer(j) * cos(v_j, v_i)`` with the vectors of
``domain.embedding`` and d from ``RECENT``, and ``f = x / (1 + x)``. Only pairs in the rows of
``domain.embedding_neighbours`` count. The one personal source that needs nobody to have watched i
and no attribute in common.
"""

from domain.slate_index import EMBEDDING
from domain.sources.neighbour_rows import NeighbourRows
from domain.sources.source import PersonalSource

SOURCE = PersonalSource(
    "embedding", "content_based", NeighbourRows(EMBEDDING, by_home=True), saturates=True
)
