"""Diversity: maximal marginal relevance (Carbonell and Goldstein 1998).

One after the other, the candidate with the largest ``LAMBDA * relevance - (1 - LAMBDA) * closest``
is taken, ``closest`` being its largest similarity to one taken before. Relevance is the score
scaled to 0-1 over the pool; similarity the cosine of the genres, 0-1.
"""

import numpy as np

from domain.ranking.history import Floats, Indices

LAMBDA = 0.7


def diversify(scores: Floats, similarity: Floats, count: int, balance: float = LAMBDA) -> Indices:
    """Return the places of ``count`` candidates in the order in which they are taken.

    Args:
        scores: of the candidates, best first (ties settled before), shape (pool,).
        similarity: 0-1, shape (pool, pool).
        count: how many are taken at most.
        balance: 1 takes the best scores whatever they are like, 0 the least alike.
    """
    count = min(count, len(scores))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    spread = scores[0] - scores[-1]
    relevance = (scores - scores[-1]) / spread if spread > 0 else np.ones(len(scores))
    gain = balance * relevance
    closest = np.zeros(len(scores))
    taken = np.empty(count, dtype=np.int64)
    for place in range(count):
        best = int((gain - (1.0 - balance) * closest).argmax())  # the first of equals: the better
        taken[place] = best
        gain[best] = -np.inf
        np.maximum(closest, similarity[best], out=closest)
    return taken
