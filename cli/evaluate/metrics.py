"""What rankings are worth: accuracy, and what else a viewer notices; with intervals.

NDCG@10 discounts by ``1 / log2(rank + 2)`` (Jarvelin and Kekalainen 2002). Coverage is the share of
titles that are in anybody's first ten; novelty the mean of ``-log2`` of the share of viewers who
know a shown title; diversity the mean of 1 - cosine of the genres of two titles shown together.
Intervals come from the bootstrap over users: a user's predictions are not independent.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CUT = 10
BOOTSTRAPS = 1000
SEED = 20_240_817

Floats = NDArray[np.float64]


def discounts(count: int) -> Floats:
    """Return the discount of each of the first ``count`` ranks."""
    found: Floats = 1.0 / np.log2(np.arange(2, count + 2))
    return found


def gain(rank: int, cut: int = CUT) -> float:
    """Return NDCG@cut of one relevant title at a rank (0 is first)."""
    return float(1.0 / np.log2(rank + 2)) if rank < cut else 0.0


def ndcg(shown: Sequence[int], relevant: set[int], cut: int = CUT) -> float:
    """Return NDCG@cut of a list against a set of relevant titles (not empty)."""
    found = discounts(cut)
    gained = sum(found[place] for place, title in enumerate(shown[:cut]) if title in relevant)
    return float(gained / found[: min(cut, len(relevant))].sum())


def recall(shown: Sequence[int], relevant: set[int], cut: int) -> float:
    """Return the share of relevant titles in the first ``cut``."""
    return len(relevant.intersection(shown[:cut])) / len(relevant)


def top(scores: NDArray[np.floating], count: int) -> list[int]:
    """Return the columns of the ``count`` largest scores, best first, ties by column."""
    if len(scores) > count:
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        columns = np.flatnonzero(scores >= least)
    else:
        columns = np.arange(len(scores))
    order = np.lexsort((columns, -scores[columns]))[:count]
    return [int(each) for each in columns[order]]


def bootstrap(
    values: Floats, baseline: Floats, users: NDArray[np.int64]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return 95 % intervals of the difference of means and of their ratio, paired, over users.

    ``values``, ``baseline`` and ``users`` are parallel: one entry a prediction.
    """
    users = np.unique(users, return_inverse=True)[1]  # only those who have predictions
    count = int(users.max()) + 1
    sums = np.stack(
        [np.bincount(users, weights=each, minlength=count) for each in (values, baseline)]
    )
    sizes = np.bincount(users, minlength=count)
    drawn = np.random.default_rng(SEED).integers(0, count, (BOOTSTRAPS, count))
    totals = sums[:, drawn].sum(axis=2)
    number = np.maximum(sizes[drawn].sum(axis=1), 1)
    differences = (totals[0] - totals[1]) / number
    ratios = totals[0] / np.maximum(totals[1], 1e-12)
    low, high = np.percentile(differences, [2.5, 97.5])
    ratio_low, ratio_high = np.percentile(ratios, [2.5, 97.5])
    return (float(low), float(high)), (float(ratio_low), float(ratio_high))
