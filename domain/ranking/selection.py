"""The best of many scores, without sorting them all."""

import numpy as np

from domain.compiled import FLAGS, FLOATS, INT, INTS, compiled, inlined
from domain.ranking.history import Flags, Floats, Indices

DECIMALS = 6  # of scores: those that are equal to this many are ties
_UNIT = 10.0**DECIMALS


@inlined
def _sink(heap: Indices, keys: Floats, order: Indices, held: int) -> None:
    """Bring the entry on top down to where those below it are better."""
    place, key = heap[0], keys[0]
    at = 0
    while 2 * at + 1 < held:
        below = 2 * at + 1
        other = below + 1
        if other < held and (
            keys[other] < keys[below]
            or (keys[other] == keys[below] and order[heap[other]] > order[heap[below]])
        ):
            below = other  # the worse of the two
        if keys[below] > key or (keys[below] == key and order[heap[below]] < order[place]):
            break
        heap[at], keys[at] = heap[below], keys[below]
        at = below
    heap[at], keys[at] = place, key


@inlined
def take_best(scores: Floats, among: Flags, order: Indices, count: int) -> Indices:
    """Return the places of the largest scores among those that are flagged; see ``best``.

    A heap keeps the best so far, the worst of them on top: most scores are compared with it once.
    """
    count = min(count, len(scores))
    heap, keys = np.zeros(count, dtype=np.int64), np.full(count, -np.inf)
    held = 0
    least = -np.inf if count > 0 else np.inf  # scores below it are worse, rounded or not
    for place in range(len(among)):
        if scores[place] < least or not among[place]:
            continue
        key = np.rint(scores[place] * _UNIT)
        tied = key == keys[0] and order[place] > order[heap[0]]
        if held == count and (key < keys[0] or tied):
            continue
        if held < count:  # entries that are free are on top: they have no key
            held += 1
        heap[0], keys[0] = place, key
        _sink(heap, keys, order, count)
        least = (keys[0] - 0.5) / _UNIT - 1e-12 if held == count else least
    found = np.empty(held, dtype=np.int64)
    left = count
    while left > held:
        left -= 1
        heap[0], keys[0] = heap[left], keys[left]
        _sink(heap, keys, order, left)
    for at in range(held - 1, -1, -1):
        found[at] = heap[0]
        heap[0], keys[0] = heap[at], keys[at]
        _sink(heap, keys, order, at)
    return found


@compiled(INTS, FLOATS, FLAGS, INTS, INT)
def best_among(scores: Floats, among: Flags, order: Indices, count: int) -> Indices:
    """Return what ``take_best`` does, to callers that are not compiled."""
    found: Indices = take_best(scores, among, order, count)
    return found


@compiled(FLOATS, FLOATS, INTS)
def rounded(scores: Floats, places: Indices) -> Floats:
    """Return the scores at some places, rounded to ``DECIMALS`` as ``numpy.round`` does."""
    found = np.empty(len(places))
    for place in range(len(places)):
        found[place] = np.rint(scores[places[place]] * _UNIT) / _UNIT
    return found


def rounded_score(score: float) -> float:
    """Return one score as ``rounded`` does."""
    return round(score * _UNIT) / _UNIT


def best(scores: Floats, order: Indices, count: int) -> Indices:
    """Return the places of the ``count`` largest scores, best first.

    Args:
        scores: any length; compared as rounded to ``DECIMALS``.
        order: settles ties, the smaller first; one number a score.
        count: how many at most.
    """
    return best_among(scores, np.ones(len(scores), dtype=bool), order, count)
