"""Diversity: maximal marginal relevance (Carbonell and Goldstein 1998).

One after the other, the candidate with the largest ``LAMBDA * relevance - (1 - LAMBDA) * closest``
is taken, ``closest`` being its largest similarity to one taken before. Relevance is the score
scaled to 0-1 over the pool; similarity the cosine of the genres, 0-1.
"""

import numpy as np

from domain.compiled import FLOAT, FLOATS, INT, INTS, INTS32, compiled
from domain.ranking.history import Floats, Indices
from domain.sources.attributes import VECTORS, Sets, Vectors, cosine
from domain.title_attributes import DECIMALS

LAMBDA = 0.7
_UNIT = 10.0**DECIMALS


@compiled(INTS, FLOATS, VECTORS, INTS32, INT, FLOAT)
def diversify(scores: Floats, vectors: Vectors, of: Sets, count: int, balance: float) -> Indices:
    """Return the places of ``count`` candidates in the order in which they are taken.

    Similarities are rounded: the order in which titles came moves a cosine by 1e-15, which must
    settle no tie.

    Args:
        scores: of the candidates, best first (ties settled before), shape (pool,).
        vectors: unit vectors.
        of: which of them each candidate has.
        count: how many are taken at most.
        balance: 1 takes the best scores whatever they are like, 0 the least alike.
    """
    pool = len(scores)
    taken = np.empty(min(count, pool), dtype=np.int64)
    if len(taken) == 0:
        return taken
    spread = scores[0] - scores[-1]
    gain = np.full(pool, balance)
    if spread > 0.0:
        gain = balance * (scores - scores[-1]) / spread
    closest = np.zeros(pool)
    for place in range(len(taken)):
        best = 0
        largest = -np.inf
        for each in range(pool):
            worth = gain[each] - (1.0 - balance) * closest[each]
            if worth > largest:  # the first of equals: the better
                best, largest = each, worth
        taken[place] = best
        gain[best] = -np.inf
        for each in range(pool):
            if gain[each] > -np.inf:
                alike = np.rint(cosine(vectors, of[best], of[each]) * _UNIT) / _UNIT
                closest[each] = max(closest[each], alike)
    return taken
