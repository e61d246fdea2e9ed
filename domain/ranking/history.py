"""What one viewer did, as scoring sees it: titles with their evidence and their recency.

Recency weighs a title by how many others were touched after it, not by the time since: a viewer who
comes back after a month goes on where they stopped. ``decay ** newer``, where ``newer`` counts the
titles touched strictly later, for ``newer < window``. Titles touched at the same millisecond get
the same weight, so the order in which such events arrive cannot matter; more than ``TIES_MAX`` of
them are an import, whose order says nothing, and get none.

Seasons, episodes and versions count once, by the newest of them, under their home title.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.compiled import FLAG_TABLE, FLAGS, FLOATS, INTS, TABLE, compiled, inlined, tuple_of
from domain.seen import Seen
from domain.slate_index import ContentSide

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

Flags = NDArray[np.bool_]

TIES_MAX = 50
LIKED = 1.0  # evidence of a title that was completed or rated high


class Kernel(NamedTuple):
    """How recency falls: ``decay`` (0-1) per newer title, nothing from ``window`` newer ones on."""

    decay: float
    window: int

    @property
    def mass(self) -> float:
        """Sum of the weights of an endless history: what a recency-weighted sum is divided by."""
        return 1.0 / (1.0 - self.decay)

    @property
    def powers(self) -> Floats:
        """Weight by how many titles are newer, for as long as there is one."""
        return np.array([self.decay**newer for newer in range(self.window)])


RECENT = Kernel(decay=0.9, window=20)
_POWERS = RECENT.powers


WEIGHTS = ("evidence", "recency", "liked_recency")  # of the entries; sources name one
EVIDENCE, RECENCY, LIKED_RECENCY = range(len(WEIGHTS))


class History(NamedTuple):
    """Arrays with one number for each entry, newest first, ties by content id.

    ``titles`` are dense indices of what was watched, ``homes`` of what it counts for. ``touched``
    marks what was watched or rated, ``engaged`` the newest such entry of each home, ``watched``
    what was watched far enough.

    ``weights`` has a row for each of ``WEIGHTS``: the evidence (0-1), how much a title speaks for
    others like it, and the ``RECENT`` weights among all engaged titles and among those with full
    evidence; 0 for a title that does not take part. ``counted`` marks in as many rows the entries
    that have a weight or would if one other were taken out, and ``ahead`` and ``liked_ahead`` say
    which (``_ahead_of``).
    """

    titles: Indices
    homes: Indices
    at_ms: Indices
    touched: Flags
    engaged: Flags
    watched: Flags
    weights: Floats
    counted: Flags
    ahead: Indices
    liked_ahead: Indices

    @property
    def evidence(self) -> Floats:
        """How much each title speaks for others like it, 0-1."""
        found: Floats = self.weights[EVIDENCE]
        return found


HISTORY = tuple_of(History, INTS, INTS, INTS, FLAGS, FLAGS, FLAGS, TABLE, FLAG_TABLE, INTS, INTS)
NOT_COUNTED, FIRST = -2, -1  # values of ``ahead``; others name the entry that is ahead


@inlined
def _ahead_of(homes: Indices, by_home: Indices, counts: Flags) -> Indices:
    """Return which entry of the same home is ahead of each, newest first.

    ``FIRST`` for the newest that counts of each home, its place for the one behind it, which comes
    forward when that is taken out, and ``NOT_COUNTED`` for all others. ``by_home`` are the entries
    by home, then newest first.
    """
    found = np.full(len(homes), NOT_COUNTED)
    newest = -1
    behind = False
    for place in by_home:
        if not counts[place]:
            continue
        if newest < 0 or homes[newest] != homes[place]:
            newest, behind = place, False
            found[place] = FIRST
        elif not behind:
            behind = True
            found[place] = newest
    return found


@inlined
def _takes_part(ahead: Indices, entry: int, out: int) -> bool:
    """Return whether an entry counts for its home when ``out`` (-1: none) is taken out."""
    return entry != out and (ahead[entry] == FIRST or (out >= 0 and ahead[entry] == out))


@inlined
def _weigh(ahead: Indices, at_ms: Indices, out: int, weights: Floats) -> None:
    """Write the recency weight of each entry when ``out`` (-1: none) is taken out."""
    weights[:] = 0.0
    newer = start = 0
    while start < len(at_ms) and newer < len(_POWERS):
        end, ties = start, 0
        while end < len(at_ms) and at_ms[end] == at_ms[start]:
            ties += _takes_part(ahead, end, out)
            end += 1
        if ties <= TIES_MAX:
            for entry in range(start, end):
                if _takes_part(ahead, entry, out):
                    weights[entry] = _POWERS[newer]
        newer += ties
        start = end


@inlined
def _mark(ahead: Indices, at_ms: Indices, within: Flags) -> None:
    """Mark the entries that have a weight, or would if one other were taken out.

    Those are the first beyond the window, and of each home the entry behind its newest.
    """
    within[:] = False
    newer = start = 0
    while start < len(at_ms) and newer <= len(_POWERS):
        end, ties = start, 0
        while end < len(at_ms) and at_ms[end] == at_ms[start]:
            within[end] = ahead[end] == FIRST
            ties += within[end]
            end += 1
        newer += ties
        start = end
    for entry in range(len(at_ms)):
        if ahead[entry] >= 0:
            within[entry] = within[ahead[entry]]


class _Entries(NamedTuple):
    """What a history is made from, one number for each entry."""

    titles: Indices
    homes: Indices
    at_ms: Indices
    evidence: Floats
    touched: Flags
    watched: Flags


@compiled(HISTORY, tuple_of(_Entries, INTS, INTS, INTS, FLOATS, FLAGS, FLAGS))
def _history(entries: _Entries) -> History:
    homes, at_ms, evidence = entries.homes, entries.at_ms, entries.evidence
    by_home = np.argsort(homes, kind="mergesort")  # stable
    ahead = _ahead_of(homes, by_home, entries.touched)
    liked_ahead = _ahead_of(homes, by_home, evidence >= LIKED)
    weights = np.empty((len(WEIGHTS), len(homes)))
    counted = np.empty((len(WEIGHTS), len(homes)), dtype=np.bool_)
    weights[EVIDENCE], counted[EVIDENCE] = evidence, evidence > 0.0
    _weigh(ahead, at_ms, -1, weights[RECENCY])
    _weigh(liked_ahead, at_ms, -1, weights[LIKED_RECENCY])
    _mark(ahead, at_ms, counted[RECENCY])
    _mark(liked_ahead, at_ms, counted[LIKED_RECENCY])
    return History(
        entries.titles, homes, at_ms, entries.touched, ahead == FIRST, entries.watched,
        weights, counted, ahead, liked_ahead,
    )  # fmt: skip


@inlined
def weights_without(history: History, entry: int) -> Floats:
    """Return the weights of all entries when one is taken out, a row for each of ``WEIGHTS``."""
    weights = history.weights.copy()
    weights[EVIDENCE, entry] = 0.0
    _weigh(history.ahead, history.at_ms, entry, weights[RECENCY])
    _weigh(history.liked_ahead, history.at_ms, entry, weights[LIKED_RECENCY])
    return weights


def make_history(content: ContentSide, seen: Mapping[str, Seen]) -> History:
    """Return a viewer's history from what they did with each title, by content id.

    Titles that the content side does not know can neither help nor be shown, and are left out.
    """
    known = content.known
    entries = [
        (-at_ms, content_id, known[content_id], evidence, engaged, watched)
        for content_id, (at_ms, evidence, engaged, watched) in seen.items()
        if content_id in known
    ]
    entries.sort()  # newest first, ties by content id
    columns = list(zip(*entries, strict=True)) or [()] * 6
    titles = np.array(columns[2], dtype=np.int64)
    found: History = _history(
        _Entries(
            titles=titles,
            homes=content.rollup.homes[titles],
            at_ms=-np.array(columns[0], dtype=np.int64),
            evidence=np.array(columns[3], dtype=np.float64),
            touched=np.array(columns[4], dtype=bool),
            watched=np.array(columns[5], dtype=bool),
        )
    )
    return found
