"""A ``PackedRanking`` and the entries of its slate -> the ``SlateRanking`` that it stands for.

Terms are whole thousandths. What rounding leaves of an entry's score is given to its largest term:
at most half a thousandth for each source. So terms and lift add up to the score within 1e-5.
"""

from collections.abc import Sequence
from itertools import accumulate

from domain.sources.labels import LABELS
from schemas.slate import PackedRanking, SlateEntry, SlateRanking

UNIT = 1000  # in 1; a score is the logarithm of odds
SCORE_DECIMALS = 6


def unpacked(packed: PackedRanking, entries: Sequence[SlateEntry]) -> SlateRanking:
    """Return how a slate came about; ``entries`` are all of the slate, in its order."""
    return SlateRanking(
        region=packed.region,
        age_max=packed.age_max,
        filters=packed.filters,
        candidates=packed.candidates,
        sources=_sources(packed),
        terms=tuple(
            _terms(packed, each, entry.score - packed.lifts.get(entry.content_id, 0.0))
            for each, entry in zip(packed.terms, entries, strict=True)
        ),
        because=tuple(_because(packed.causes, each) for each in packed.because),
        lifts=packed.lifts,
        rules=packed.rules,
        pool=_pool(packed, entries),
        displaced=packed.displaced,
    )


def _sources(packed: PackedRanking) -> tuple[str, ...]:
    """Return all sources that are known or have a term, in order."""
    return (*LABELS, *(source for source in packed.sources if source not in LABELS))


def _terms(packed: PackedRanking, terms: Sequence[int], score: float) -> tuple[float, ...]:
    """Return the term of every source; they add up to ``score``."""
    named = dict(zip(packed.sources, terms, strict=True))
    found = [named.get(source, 0) / UNIT for source in _sources(packed)]
    largest = max(range(len(found)), key=lambda place: abs(found[place]))
    found[largest] = round(found[largest] + score - sum(found), SCORE_DECIMALS)
    return tuple(found)


def _because(causes: Sequence[str], numbers: Sequence[int]) -> dict[str, float]:
    """Return the titles with the largest terms, and these; the list is filled up with zeros."""
    return {
        causes[cause]: value / UNIT
        for cause, value in zip(numbers[::2], numbers[1::2], strict=True)
        if value
    }


def _pool(packed: PackedRanking, entries: Sequence[SlateEntry]) -> dict[str, float]:
    """Return the titles of the pool and their scores, best first."""
    found = {rank: entry for rank, entry in zip(packed.ranks, entries, strict=True) if rank}
    others = zip(packed.pool, accumulate(packed.drops), strict=True)
    pool: dict[str, float] = {}
    for rank in range(1, len(found) + len(packed.pool) + 1):
        if rank in found:
            pool[found[rank].content_id] = found[rank].score
        else:
            content_id, below = next(others)
            pool[content_id] = -below / UNIT
    return pool
