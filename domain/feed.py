"""The page: rows of one viewer, ordered by what they are worth.

A row is worth the expected number of its first ``FIRST`` titles that the viewer plays, each
discounted by its place as in DCG (Järvelin and Kekäläinen 2002):

    value = sum over places k = 1..FIRST of p_k / log2(1 + k)

Rows are placed greedily: the row of largest value among titles not shown yet, then the next. So no
title comes twice, and the row placed earlier keeps it. Entries keep the order of their row, which
need not be that of p (diversity, and what X alone says).

The probabilities p come from three places and mean nearly the same:

- rows of the value model: e^(score - log_partition), its softmax over all titles that could be
  recommended: that the next title the viewer likes is this one,
- trending: the title's share of the decayed viewers of all trending titles: that the next title an
  average viewer starts is this one,
- continue watching: ``domain.resume``, priors: that the viewer goes on with it.

Limits: the first two share one next title among all, the third judges each card by itself, so
continue watching stands first unless it is old. The softmax is as calibrated as its learning, which
saw only engagements that were liked. A slate made before it carried ``log_partition`` has no
probabilities; they count as 0, so its rows come last.
"""

from collections.abc import Iterable
from math import log2

from schemas.api import FeedEntry, FeedRow

FIRST = 6  # titles that most screens show of a row without scrolling
DECIMALS = 6


def value_of(entries: Iterable[FeedEntry]) -> float:
    """Return the expected discounted number of plays among the first ``FIRST`` entries."""
    first = list(entries)[:FIRST]
    total = sum((entry.probability or 0.0) / log2(place) for place, entry in enumerate(first, 2))
    return round(total, DECIMALS)


def arrange(rows: Iterable[FeedRow], limit: int) -> list[FeedRow]:
    """Return the rows in the order of the page; ties by name, then by ``because_of``.

    Args:
        rows: with entries best first; their values are computed here.
        limit: most entries of a row, after what was shown before is left out. Rows without any are
            left out too.
    """
    left, shown = list(rows), set[str]()
    placed: list[FeedRow] = []
    while True:
        left = [row for each in left if (row := _without(each, shown)).entries]
        if not left:
            return placed
        cut = [_cut(row, limit) for row in left]
        best = min(cut, key=lambda row: (-row.value, row.name, row.because_of or ""))
        del left[cut.index(best)]
        placed.append(best)
        for entry in best.entries:
            shown |= _ids(entry)


def _ids(entry: FeedEntry) -> set[str]:
    """Return what an entry shows: an episode to go on with stands for its series too."""
    series_id = entry.card.series_id if entry.card else None
    return {entry.content_id, series_id} if series_id else {entry.content_id}


def _without(row: FeedRow, shown: set[str]) -> FeedRow:
    entries = tuple(entry for entry in row.entries if not _ids(entry) & shown)
    return row.model_copy(update={"entries": entries})


def _cut(row: FeedRow, limit: int) -> FeedRow:
    entries = row.entries[:limit]
    return row.model_copy(update={"entries": entries, "value": value_of(entries)})
