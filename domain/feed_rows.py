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
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from domain.compiled import FLAGS, FLOAT, FLOATS, FLOATS32, INTS, compiled, tuple_of
from domain.ranking import selection
from domain.ranking.history import LIKED, RECENT, Flags, Floats, History, Indices
from domain.ranking.scoring import Ranker, ViewerScores
from domain.row_table import ROWS, Rows
from domain.slate_index import COWATCH, NEXT, TOGETHER, ContentSide
from domain.sources import cowatch, next_title, together
from domain.sources.registry import NAMES

ROW_SIZE = 10
BECAUSE_ROWS = 2
CAUSES_MAX = 4  # titles looked at: a new title has no neighbours before the next fit
PARTITION_DECIMALS = 4  # a relative error of 5e-5 in each probability

_SOURCES = (cowatch.SOURCE, cowatch.RECENT_SOURCE, together.SOURCE, next_title.SOURCE)
_PLACES = tuple(NAMES.index(source.name) for source in _SOURCES)  # among the factors

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
    odds = _of_allowed(total, allowed)
    peak = odds.max()
    odds -= peak
    np.exp(odds, out=odds)
    return round(float(peak) + math.log(_sum(odds)), PARTITION_DECIMALS)


@compiled(FLOATS32, FLOATS, FLAGS)
def _of_allowed(total: Floats, allowed: Flags) -> NDArray[np.float32]:
    """Return the totals of the allowed titles; minus infinity for the others."""
    found = np.empty(len(allowed), dtype=np.float32)
    for title in range(len(allowed)):
        found[title] = total[title] if allowed[title] else -np.inf
    return found


@compiled(FLOAT, FLOATS32)
def _sum(values: NDArray[np.float32]) -> float:
    """Return the sum in double precision, of every fourth first: four sums run at a time."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = len(values) // 4 * 4
    for place in range(0, whole, 4):
        first += values[place]
        second += values[place + 1]
        third += values[place + 2]
        fourth += values[place + 3]
    for place in range(whole, len(values)):
        first += values[place]
    return first + second + third + fourth


def because_rows(
    ranker: Ranker, history: History, scores: ViewerScores, allowed: Flags
) -> Iterator[Row]:
    """Yield up to ``BECAUSE_ROWS`` rows for different titles, that of the newest first."""
    content, weights = ranker.content, _weights(scores.factors)
    rows = 0
    for entry in _causes(history):
        title = int(history.titles[entry])
        best = _neighbours(ranker, (title, int(history.homes[entry])), weights, allowed)
        if not len(best):
            continue
        yield {
            "name": "because_you_watched",
            "because_of": content.ids[title],
            "because_of_title": content.watched_name(title),
            "entries": _entries(content, best, scores),
        }
        rows += 1
        if rows == BECAUSE_ROWS:
            return


def new_row(ranker: Ranker, scores: ViewerScores, allowed: Flags) -> list[Row]:
    """Return the row of new titles by score; none when there are none."""
    best = _best_new(scores.total, allowed, ranker.new_titles())
    entries = _entries(ranker.content, best, scores)
    return [{"name": "new_for_you", "entries": entries}] if entries else []


@compiled(INTS, FLOATS, FLAGS, INTS)
def _best_new(total: Floats, allowed: Flags, newest: Indices) -> Indices:
    """Return the best of the new titles that are allowed; ties by newest release."""
    best = selection.take_best(total[newest], allowed[newest], np.arange(len(newest)), ROW_SIZE)
    return newest[best]


def _causes(history: History) -> list[int]:
    """Return the newest entries with full evidence that were watched, one a home."""
    entries = np.flatnonzero((history.evidence >= LIKED) & history.watched)
    first: dict[int, int] = {}
    for entry, home in zip(entries.tolist(), history.homes[entries].tolist(), strict=True):
        first.setdefault(home, entry)
        if len(first) == CAUSES_MAX:
            break
    return list(first.values())


def _weights(factors: Floats) -> Floats:
    """Return what the rows of COWATCH, TOGETHER, NEXT count in the score of the newest title's."""
    whole, recent, engaged, following = (float(factors[place]) for place in _PLACES)
    half = cowatch.HALF
    return np.array([(whole + recent) / half, engaged / half, following / RECENT.mass])


def _neighbours(ranker: Ranker, cause: tuple[int, int], weights: Floats, allowed: Flags) -> Indices:
    """Return the best titles by the weighted rows of one title (NEXT: of its home), rolled up."""
    content, (title, home) = ranker.content, cause
    asked = np.array([title, title, home])
    liked, engaged, following = (content.rows(table, asked) for table in (COWATCH, TOGETHER, NEXT))
    named = _Named(asked, weights, content.rollup.homes, allowed)
    return _best_named(liked, engaged, following, named, ranker.id_order())


class _Named(NamedTuple):
    """Whose row of each table is taken, at which weight, and what the targets count for."""

    titles: Indices
    weights: Floats
    homes: Indices
    allowed: Flags


@compiled(INTS, ROWS, ROWS, ROWS, tuple_of(_Named, INTS, FLOATS, INTS, FLAGS), INTS)
def _best_named(
    liked: Rows, engaged: Rows, following: Rows, named: _Named, id_order: Indices
) -> Indices:
    """Return the allowed titles that rows name, by the weighted sum of one row of each table."""
    sums = np.zeros(len(named.allowed))
    found = np.empty(len(named.allowed), dtype=np.int64)
    count = 0
    for table, rows in enumerate((liked, engaged, following)):
        title = named.titles[table]
        for entry in range(rows.starts[title], rows.starts[title] + rows.lengths[title]):
            home = named.homes[rows.targets[entry]]
            value = rows.values[entry] * named.weights[table]
            if home < len(named.allowed) and named.allowed[home] and value > 0.0:
                if sums[home] == 0.0:
                    found[count] = home
                    count += 1
                sums[home] += value
    titles = found[:count]
    among = np.ones(count, dtype=np.bool_)
    return titles[selection.take_best(sums[titles], among, id_order[titles], ROW_SIZE)]


def _entries(content: ContentSide, titles: Indices, scores: ViewerScores) -> list[Row]:
    totals = selection.rounded(scores.total, titles).tolist()
    ids, names = content.ids, content.names
    return [
        {"content_id": ids[title], "score": score}
        if names[title] is None
        else {"content_id": ids[title], "title": names[title], "score": score}
        for title, score in zip(titles.tolist(), totals, strict=True)
    ]
