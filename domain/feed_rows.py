"""Feed rows that are made with a slate: because you watched X, and new for you.

"Because you watched X": X is one of the newest titles watched with full evidence that has
neighbours, and title i is ordered by what X alone, as the newest title, adds to its score:

    b(i) = ((f_cowatch + f_cowatch_recent) * C[X, i] + f_together * T[X, i]) / h
         + f_next * N[X, i] / m

with the rows C, T, N of X, the value model's factors f for this viewer, h = ``cowatch.HALF`` and
m = ``RECENT.mass``: the sum of ``domain.sources`` for a history of X alone, before ``x / (1 + x)``.

"New for you": the best scores among ``exploration.new_titles``; ties by newest release.

Both hold only titles that the slate may hold, and may repeat its entries: a page is made of them by
``domain.feed``, which shows no title twice.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from domain.pair_rows import NeighbourRow
from domain.ranking import selection
from domain.ranking.history import LIKED, RECENT, Flags, Floats, History
from domain.ranking.scoring import Ranker, ViewerScores
from domain.slate_index import COWATCH, NEXT, TOGETHER, ContentSide
from domain.sources import cowatch, next_title, together
from domain.sources.registry import NAMES

ROW_SIZE = 10
BECAUSE_ROWS = 2
CAUSES_MAX = 4  # titles looked at: a new title has no neighbours before the next fit
DECIMALS = 6
PARTITION_DECIMALS = 4  # a relative error of 5e-5 in each probability

Row = dict[str, Any]


def with_feed(
    value: bytes, ranker: Ranker, history: History, scores: ViewerScores, allowed: Flags
) -> bytes:
    """Return an encoded slate with its ``rows`` and ``log_partition``.

    Args:
        value: the slate as encoded without them.
        ranker: what scored the viewer.
        history: the viewer's.
        scores: the viewer's.
        allowed: whether each title may be recommended to this viewer.
    """
    rows = [*because_rows(ranker, history, scores, allowed)]
    rows += new_row(ranker, scores, allowed)
    feed: Row = {"rows": rows}
    if allowed.any():
        feed["log_partition"] = log_partition(scores.total, allowed)
    return value[:-1] + b"," + orjson.dumps(feed)[1:]


def log_partition(total: Floats, allowed: Flags) -> float:
    """Return ln(sum of e^total over allowed titles): the softmax that the value model learns with.

    Each e^total is of single precision, within 1e-5; the sum is double, so that titles that arrived
    in another order give the same number.
    """
    odds = total[allowed].astype(np.float32)
    peak = odds.max()
    odds -= peak
    np.exp(odds, out=odds)
    return round(float(peak) + math.log(odds.astype(np.float64).sum()), PARTITION_DECIMALS)


def because_rows(
    ranker: Ranker, history: History, scores: ViewerScores, allowed: Flags
) -> Iterator[Row]:
    """Yield up to ``BECAUSE_ROWS`` rows for different titles, that of the newest first."""
    content, weights = ranker.content, _weights(scores.factors)
    rows = 0
    for entry in _causes(history):
        title = int(history.titles[entry])
        targets, values = _neighbours(content, title, int(history.homes[entry]), weights)
        usable = allowed[targets] & (values > 0.0)
        if not usable.any():
            continue
        titles, place = np.unique(targets[usable], return_inverse=True)
        sums = np.bincount(place, values[usable]).astype(np.float64, copy=False)
        best = selection.best(sums.round(DECIMALS), ranker.id_order()[titles], ROW_SIZE)
        yield {
            "name": "because_you_watched",
            "because_of": content.ids[title],
            "because_of_title": content.watched_name(title),
            "entries": _entries(content, titles[best].tolist(), scores),
        }
        rows += 1
        if rows == BECAUSE_ROWS:
            return


def new_row(ranker: Ranker, scores: ViewerScores, allowed: Flags) -> list[Row]:
    """Return the row of new titles by score; none when there are none."""
    titles = ranker.new_titles()
    titles = titles[allowed[titles]]
    order = np.argsort(-scores.total[titles].round(DECIMALS), kind="stable")  # ties: the newer
    entries = _entries(ranker.content, titles[order[:ROW_SIZE]].tolist(), scores)
    return [{"name": "new_for_you", "entries": entries}] if entries else []


def _causes(history: History) -> list[int]:
    """Return the newest entries with full evidence that were watched, one a home."""
    first: dict[int, int] = {}
    for entry in np.flatnonzero((history.evidence >= LIKED) & history.watched).tolist():
        first.setdefault(int(history.homes[entry]), entry)
        if len(first) == CAUSES_MAX:
            break
    return list(first.values())


def _weights(factors: Floats) -> dict[str, float]:
    """Return what a weight of each table of rows counts in the score of the newest title's rows."""
    of = dict(zip(NAMES, factors.tolist(), strict=True))
    return {
        COWATCH: (of[cowatch.SOURCE.name] + of[cowatch.RECENT_SOURCE.name]) / cowatch.HALF,
        TOGETHER: of[together.SOURCE.name] / cowatch.HALF,
        NEXT: of[next_title.SOURCE.name] / RECENT.mass,
    }


def _neighbours(
    content: ContentSide, title: int, home: int, weights: dict[str, float]
) -> NeighbourRow:
    """Return the weighted rows of one title, rolled up; a target may come more than once."""
    rows = [content.row(table, home if table == NEXT else title) for table in weights]
    values = [row.weights * weight for row, weight in zip(rows, weights.values(), strict=True)]
    targets = content.rollup.homes[np.concatenate([row.titles for row in rows])]
    return NeighbourRow(targets, np.concatenate(values))


def _entries(content: ContentSide, titles: list[int], scores: ViewerScores) -> list[Row]:
    totals = scores.total[titles].round(DECIMALS).tolist()
    entries: list[Row] = []
    for title, score in zip(titles, totals, strict=True):
        name = content.names[title]
        named = {} if name is None else {"title": name}
        entries.append({"content_id": content.ids[title], **named, "score": score})
    return entries
