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

    def weights(self, newer: Indices, ties: Indices) -> Floats:
        """Return the weights of titles with so many newer ones, and so many (itself too) as new."""
        table = np.append(self.decay ** np.arange(self.window), 0.0)
        found: Floats = table[np.minimum(newer, self.window)] * (ties <= TIES_MAX)
        return found


RECENT = Kernel(decay=0.9, window=20)


class History(NamedTuple):
    """Parallel arrays, newest first, ties by content id.

    ``titles`` are dense indices of what was watched, ``homes`` of what it counts for. ``evidence``
    (0-1) says how much a title speaks for others like it. ``touched`` marks what was watched or
    rated, ``engaged`` the newest such entry of each home, ``watched`` what was watched far enough.
    ``recency`` and ``liked_recency`` are the ``RECENT`` weights among all engaged titles and among
    those with full evidence; 0 for a title that does not take part.
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

    def weights_without(self, entries: Indices) -> "Weights":
        """Return the weights that all entries have when one of ``entries`` is taken out."""
        evidence = np.tile(self.evidence, (len(entries), 1))
        evidence[np.arange(len(entries)), entries] = 0.0
        return Weights(
            evidence,
            self._without(self.touched, self.recency, entries),
            self._without(self.evidence >= LIKED, self.liked_recency, entries),
        )

    def _without(self, counts: Flags, weights: Floats, entries: Indices) -> Floats:
        found = np.tile(weights, (len(entries), 1))
        places = first_of_homes(self.homes, counts)
        rows = np.flatnonzero(counts[entries])
        if len(places) < np.count_nonzero(counts):  # behind an entry another of its home waits
            for row in rows.tolist():
                left = counts.copy()
                left[entries[row]] = False
                found[row] = recency(first_of_homes(self.homes, left), self.at_ms, RECENT)
            return found
        at_ms = self.at_ms[places]
        gone = self.at_ms[entries[rows], np.newaxis]
        newer, ties = newer_and_tied(at_ms)
        fewer = RECENT.weights(newer - (gone > at_ms), ties - (gone == at_ms))
        found[rows[:, np.newaxis], places] = fewer
        found[rows, entries[rows]] = 0.0
        return found


class Weights(NamedTuple):
    """Weights of the entries of a history, one row for each entry taken out."""

    evidence: Floats
    recency: Floats
    liked_recency: Floats


def newer_and_tied(at_ms: Indices) -> tuple[Indices, Indices]:
    """Return for each time, newest first, how many are strictly newer and how many the same."""
    newer = np.searchsorted(-at_ms, -at_ms, side="left")
    return newer, np.searchsorted(-at_ms, -at_ms, side="right") - newer


def first_of_homes(homes: Indices, counts: Flags) -> Indices:
    """Return the places of the entries that count, the first (newest) of each home only."""
    places = np.flatnonzero(counts)
    _, first = np.unique(homes[places], return_index=True)
    found: Indices = places[np.sort(first)]
    return found


def recency(places: Indices, at_ms: Indices, kernel: Kernel) -> Floats:
    """Return the recency weight of each entry.

    Args:
        places: the entries that take part, one a home, newest first.
        at_ms: when each entry was touched last, newest first.
        kernel: the decay.
    """
    weights = np.zeros(len(at_ms))
    weights[places] = kernel.weights(*newer_and_tied(at_ms[places]))
    return weights


def reach(homes: Indices, at_ms: Indices, counts: Flags, kernel: Kernel) -> Indices:
    """Return the entries that have a recency weight, or would if one other were taken out.

    Those are the first beyond the window, and of each home the entry behind its newest.
    """
    places = first_of_homes(homes, counts)
    newer, _ = newer_and_tied(at_ms[places])
    found: Indices = places[newer <= kernel.window]
    if len(places) < np.count_nonzero(counts):
        behind = counts.copy()
        behind[places] = False
        seconds = first_of_homes(homes, behind)
        found = np.union1d(found, seconds[np.isin(homes[seconds], homes[found])])
    return found


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
    engaged = first_of_homes(homes, touched)
    liked = first_of_homes(homes, evidence >= LIKED)
    flags = np.zeros(len(entries), dtype=bool)
    flags[engaged] = True
    return History(
        titles=titles,
        homes=homes,
        at_ms=at_ms,
        evidence=evidence,
        touched=touched,
        engaged=flags,
        watched=np.array(columns[5], dtype=bool),
        recency=recency(engaged, at_ms, RECENT),
        liked_recency=recency(liked, at_ms, RECENT),
        reach=reach(homes, at_ms, touched, RECENT),
        liked_reach=reach(homes, at_ms, evidence >= LIKED, RECENT),
    )
