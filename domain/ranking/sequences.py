"""Next titles: how often each title was touched soon after each other one, kept by the event.

For two titles j, i of one viewer, i touched after j, the pair (j, i) counts ``UNIT * decay ** n``
where n titles of the viewer were touched strictly between them; two titles touched at the same
millisecond count ``UNIT`` both ways. The sum over viewers is C, and ``C[j, i] / (C[j, :] + PRIOR)``
estimates how likely i follows j; this is the count form of the next-title model (a Markov chain
over a decayed context of ``window`` titles).

The counts are whole numbers and a function of the latest (title, time) of each viewer, so they do
not depend on the order in which events arrive, and a viewer can be taken out again exactly.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

import numpy as np

from domain.ranking.history import TIES_MAX, Kernel
from domain.ranking.pair_counts import BestPairs, PairCounts
from domain.row_table import NeighbourRow
from domain.viewer_profile import TITLES_MAX

UNIT = 1000
PRIOR = 5  # viewers' worth of doubt in C[j, i] / (C[j, :] + PRIOR), in units

Touches = list[tuple[int, int]]  # (at_ms, title), oldest first, ties by title
Pair = tuple[int, int]


def group_start(sequence: Touches, place: int) -> int:
    """Return where the titles touched at the same time as the one at ``place`` begin."""
    at_ms = sequence[place][0]
    while place > 0 and sequence[place - 1][0] == at_ms:
        place -= 1
    return place


class SequenceCounts:
    """C, its row sums, and the sequence of each viewer that they are a function of."""

    def __init__(self, kernel: Kernel, ids: Sequence[str]) -> None:
        self._ids = ids  # of the titles, grows outside; settles ties
        self._kernel = kernel
        self._units = [round(UNIT * kernel.decay**n) for n in range(kernel.window)]
        self._sequences: dict[str, Touches] = {}
        self._counts = PairCounts()
        self._rows: dict[int, NeighbourRow] = {}
        self.changed: set[int] = set()  # titles whose row changed; readers clear it

    def touch(self, viewer: str, title: int, at_ms: int) -> None:
        """Set when a viewer touched a title last; -1 takes it out of the sequence."""
        before = self._sequences.get(viewer, [])
        if at_ms < 0 or not self._append(viewer, before, title, at_ms):
            after = [entry for entry in before if entry[1] != title]
            if at_ms >= 0:
                insort(after, (at_ms, title))
            self._set(viewer, before, after)
        held = self._sequences.get(viewer, [])
        if len(held) > TITLES_MAX:
            self._set(viewer, held, held[1:])

    def forget(self, viewer: str) -> None:
        """Take a viewer out of all counts (erasure)."""
        self._set(viewer, self._sequences.get(viewer, []), [])

    def row(self, title: int, neighbours_max: int) -> NeighbourRow:
        """Return the likeliest next titles, best first; cut to so many with ties by content id.

        Weights are 0-1.
        """
        return self.rows([title], neighbours_max)[0]

    def rows(self, titles: list[int], neighbours_max: int) -> list[NeighbourRow]:
        """Return the likeliest next titles of each title; rows that changed are made at once."""
        missing = [title for title in titles if title not in self._rows]
        if missing:
            asked = np.array(missing, dtype=np.int64)
            best = self._counts.best(asked, neighbours_max, PRIOR * UNIT)
            for title, pairs in zip(missing, best, strict=True):
                self._rows[title] = self._cut(pairs, neighbours_max)
        return [self._rows[title] for title in titles]

    def count(self, title: int, following: int) -> int:
        """Return C[title, following]."""
        return self._counts.get(title, following)

    def titles(self) -> list[int]:
        """Return the titles that have a row."""
        return self._counts.titles()

    def _append(self, viewer: str, sequence: Touches, title: int, at_ms: int) -> bool:
        """Do what nearly always happens, a new title after all others, without a copy."""
        if sequence and (
            sequence[-1] > (at_ms, title) or any(entry[1] == title for entry in sequence)
        ):
            return False
        entry = (at_ms, title)
        start = len(sequence)
        if sequence and sequence[-1][0] == at_ms:
            start = group_start(sequence, start - 1)
        delta: dict[Pair, int] = defaultdict(int)
        if start < len(sequence):
            self._add_pairs(delta, sequence, range(start, len(sequence)), -1)
        sequence.append(entry)
        self._add_pairs(delta, sequence, range(start, len(sequence)), 1)
        self._apply(delta)
        self._sequences[viewer] = sequence
        return True

    def _set(self, viewer: str, before: Touches, after: Touches) -> None:
        """Replace a viewer's sequence; only what its change can reach is counted again."""
        if after:
            self._sequences[viewer] = after
        else:
            self._sequences.pop(viewer, None)
        start, same_end = _changed_part(before, after)
        reach = self._kernel.window + TIES_MAX - same_end
        delta: dict[Pair, int] = defaultdict(int)
        self._add_pairs(delta, before, range(start, min(len(before), len(before) + reach)), -1)
        self._add_pairs(delta, after, range(start, min(len(after), len(after) + reach)), 1)
        self._apply(delta)

    def _apply(self, delta: dict[Pair, int]) -> None:
        changes = delta if all(delta.values()) else {each: n for each, n in delta.items() if n}
        if not changes:
            return
        pairs = np.fromiter(chain.from_iterable(changes), np.int64, 2 * len(changes))
        counts = np.fromiter(changes.values(), np.int64, len(changes))
        self._counts.add(pairs.reshape(-1, 2), counts)
        changed = {title for title, _ in changes}
        self.changed |= changed
        for title in changed:
            self._rows.pop(title, None)

    def _add_pairs(
        self, delta: dict[Pair, int], sequence: Touches, places: range, sign: int
    ) -> None:
        """Add what the titles at ``places`` count as followers of those before or beside them."""
        window, units = self._kernel.window, self._units
        for place in places:
            at_ms, title = sequence[place]
            start = group_start(sequence, place)
            end = place + 1
            while end < len(sequence) and sequence[end][0] == at_ms:
                end += 1
            if end - start > TIES_MAX:
                continue
            for other in range(start, end):
                if other != place:
                    delta[sequence[other][1], title] += sign * UNIT
            newer, end = 0, start
            while end > 0 and newer < window:
                start = group_start(sequence, end - 1)
                if end - start <= TIES_MAX:
                    for other in range(start, end):
                        delta[sequence[other][1], title] += sign * units[newer]
                newer += end - start
                end = start

    def _cut(self, pairs: BestPairs, most: int) -> NeighbourRow:
        titles, shares, above = pairs
        if len(titles) > most:  # some of those that tie must go
            tied = sorted(titles[above:].tolist(), key=self._ids.__getitem__)
            titles[above:most] = sorted(tied[: most - above])
        return NeighbourRow(titles[:most].copy(), shares[:most].copy())


def _changed_part(before: Touches, after: Touches) -> tuple[int, int]:
    """Return (where two sequences begin to differ, how many last entries are the same).

    The beginning is moved to the start of its group of tied titles: their pairs change together.
    """
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    same = 0
    while same < shorter - start and before[-1 - same] == after[-1 - same]:
        same += 1
    for sequence in (before, after):
        if 0 < start < len(sequence):
            start = min(start, group_start(sequence, start))
    return start, same
