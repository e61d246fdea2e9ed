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

from domain.compiled import FLAGS, FLOATS, INT, INTS, compiled, inlined
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


class History(NamedTuple):
    """Parallel arrays, newest first, ties by content id.

    ``titles`` are dense indices of what was watched, ``homes`` of what it counts for. ``evidence``
    (0-1) says how much a title speaks for others like it. ``touched`` marks what was watched or
    rated, ``engaged`` the newest such entry of each home, ``watched`` what was watched far enough.
    ``recency`` and ``liked_recency`` are the ``RECENT`` weights among all engaged titles and among
    those with full evidence; 0 for a title that does not take part. ``reach`` are the entries that
    have a weight or would if one other were taken out, ``ahead`` says which (``ahead_of``).
    """

    titles: Indices
    homes: Indices
    at_ms: Indices
    evidence: Floats
    touched: Flags
    engaged: Flags
    watched: Flags
    recency: Floats
    liked_recency: Floats
    reach: Indices
    liked_reach: Indices
    ahead: Indices
    liked_ahead: Indices

    def weights_without(self, entries: Indices) -> "Weights":
        """Return the weights that all entries have when one of ``entries`` is taken out."""
        evidence = np.tile(self.evidence, (len(entries), 1))
        evidence[np.arange(len(entries)), entries] = 0.0
        recency = [_weights(self.ahead, self.at_ms, _POWERS, each) for each in entries.tolist()]
        liked = [_weights(self.liked_ahead, self.at_ms, _POWERS, each) for each in entries.tolist()]
        return Weights(evidence, np.array(recency), np.array(liked))


class Weights(NamedTuple):
    """Weights of the entries of a history, one row for each entry taken out."""

    evidence: Floats
    recency: Floats
    liked_recency: Floats


NOT_COUNTED, FIRST = -2, -1  # values of ``ahead``; others name the entry that is ahead


@compiled(INTS, INTS, FLAGS)
def ahead_of(homes: Indices, counts: Flags) -> Indices:
    """Return which entry of the same home is ahead of each, newest first.

    ``FIRST`` for the newest that counts of each home, its place for the one behind it, which comes
    forward when that is taken out, and ``NOT_COUNTED`` for all others.
    """
    found = np.full(len(homes), NOT_COUNTED)
    newest = -1
    behind = False
    for place in np.argsort(homes, kind="mergesort"):  # stable: by home, then newest first
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
def takes_part(ahead: Indices, entry: int, out: int) -> bool:
    """Return whether an entry counts for its home when ``out`` (-1: none) is taken out."""
    return entry != out and (ahead[entry] == FIRST or (out >= 0 and ahead[entry] == out))


@inlined
def recency_without(ahead: Indices, at_ms: Indices, powers: Floats, out: int) -> Floats:
    """Return the recency weight of each entry when ``out`` (-1: none) is taken out."""
    weights = np.zeros(len(at_ms))
    newer = start = 0
    while start < len(at_ms) and newer < len(powers):
        end, ties = start, 0
        while end < len(at_ms) and at_ms[end] == at_ms[start]:
            ties += takes_part(ahead, end, out)
            end += 1
        if ties <= TIES_MAX:
            for entry in range(start, end):
                if takes_part(ahead, entry, out):
                    weights[entry] = powers[newer]
        newer += ties
        start = end
    return weights


@compiled(FLOATS, INTS, INTS, FLOATS, INT)
def _weights(ahead: Indices, at_ms: Indices, powers: Floats, out: int) -> Floats:
    return recency_without(ahead, at_ms, powers, out)


@compiled(INTS, INTS, INTS, INT)
def _reach(ahead: Indices, at_ms: Indices, window: int) -> Indices:
    """Return the entries that have a weight, or would if one other were taken out.

    Those are the first beyond the window, and of each home the entry behind its newest.
    """
    within = np.zeros(len(at_ms), dtype=np.bool_)
    newer = start = 0
    while start < len(at_ms) and newer <= window:
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
    return np.flatnonzero(within)


class Seen(NamedTuple):
    """What a viewer did with one title.

    ``at_ms`` is when last, ``evidence`` (0-1) how much it says. ``engaged``: watched or rated, not
    only decided about (dismissed, say). ``watched``: far enough to say something.
    """

    at_ms: int
    evidence: float
    engaged: bool
    watched: bool = False


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
    homes = content.rollup.homes[titles]
    at_ms = -np.array(columns[0], dtype=np.int64)
    evidence = np.array(columns[3], dtype=np.float64)
    touched = np.array(columns[4], dtype=bool)
    ahead, liked_ahead = ahead_of(homes, touched), ahead_of(homes, evidence >= LIKED)
    return History(
        titles=titles,
        homes=homes,
        at_ms=at_ms,
        evidence=evidence,
        touched=touched,
        engaged=ahead == FIRST,
        watched=np.array(columns[5], dtype=bool),
        recency=_weights(ahead, at_ms, _POWERS, -1),
        liked_recency=_weights(liked_ahead, at_ms, _POWERS, -1),
        reach=_reach(ahead, at_ms, RECENT.window),
        liked_reach=_reach(liked_ahead, at_ms, RECENT.window),
        ahead=ahead,
        liked_ahead=liked_ahead,
    )
