"""What trends, from the partials of all shards as arrays: merged in a millisecond, not in twenty.

The rules are those of ``domain.trending.merge``: partials are decayed to the newest of their times
and added up in the order of their shards. Here titles count for their homes, and only the best are
kept.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.trending import DECIMALS, SCORE_MIN
from schemas.trending import TrendingPartial

TRENDING_MAX = 500  # titles of one region that can enter slates by trending alone

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class TrendingTitles(NamedTuple):
    """Trending titles of one region: dense indices and scores, best first."""

    titles: Indices
    scores: Floats


class _Part(NamedTuple):
    """One partial: parallel arrays, and when its scores were true."""

    as_of_ms: int
    half_life_ms: int
    titles: Indices
    regions: Indices  # numbers of regions
    scores: Floats


class TrendingTable:
    """The newest partial of each shard; ``ids`` are the content ids by dense index."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids  # grows outside
        self._regions: dict[str, int] = {}
        self._parts: dict[str, _Part] = {}

    def put(self, part: TrendingPartial, titles: Sequence[int]) -> None:
        """Set the partial of a shard; ``titles`` are the dense indices of its entries."""
        numbers = self._regions
        self._parts[part.shard] = _Part(
            part.as_of_ms,
            part.half_life_ms,
            np.array(titles, dtype=np.int64),
            np.array(
                [numbers.setdefault(entry.region, len(numbers)) for entry in part.entries],
                dtype=np.int64,
            ),
            np.array([entry.score for entry in part.entries], dtype=np.float64),
        )

    def remove(self, shard: str) -> None:
        """Remove the partial of a shard; one that is not there is no error."""
        self._parts.pop(shard, None)

    def merged(self, region: str | None, homes: Indices) -> TrendingTitles:
        """Add all partials up and return the best ``TRENDING_MAX`` titles, ties by content id.

        A series has the sum of its episodes' scores. That is not its number of unique viewers:
        partials count viewers and do not name them, so who watched three episodes counts three
        times, and an episode beyond a partial's ``ENTRIES_MAX`` is missing.

        Args:
            region: only its viewers; None adds all regions.
            homes: what each title counts for.
        """
        totals = np.zeros(len(self._ids))
        number = None if region is None else self._regions.get(region, -1)
        newest_ms = max((part.as_of_ms for part in self._parts.values()), default=0)
        for _, part in sorted(self._parts.items()):
            counts = slice(None) if number is None else part.regions == number
            decay = 2.0 ** (-(newest_ms - part.as_of_ms) / part.half_life_ms)
            np.add.at(totals, homes[part.titles[counts]], part.scores[counts] * decay)
        totals = totals.round(DECIMALS)
        found = np.flatnonzero(totals >= SCORE_MIN)
        if len(found) > TRENDING_MAX:
            least = np.partition(totals[found], -TRENDING_MAX)[-TRENDING_MAX]
            found = found[totals[found] >= least]
        best = sorted(found.tolist(), key=lambda title: (-totals[title], self._ids[title]))
        titles = np.array(best[:TRENDING_MAX], dtype=np.int64)
        return TrendingTitles(titles, totals[titles])
