"""Rows of neighbours in a few long arrays: the form in which compiled loops read them.

Row j says how much title j speaks for others: ``values[n]`` for ``targets[n]``. A row that is set
anew is written behind all others; when the room is used up, what counts moves into arrays of twice
its length. Setting a row costs its length, on average, whatever else is held.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.compiled import FLOATS, INTS, INTS32, tuple_of

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

ENTRIES_FIRST = 4096  # room at the start


class NeighbourRow(NamedTuple):
    """Row j of B: ``weights[n]`` is B_ji for title i = ``titles[n]``."""

    titles: Indices
    weights: Floats


class Rows(NamedTuple):
    """All rows: that of title j is ``targets`` and ``values`` from ``starts[j]`` on."""

    starts: Indices
    lengths: Indices
    targets: NDArray[np.int32]
    values: Floats


ROWS = tuple_of(Rows, INTS, INTS, INTS32, FLOATS)
NO_ROW = NeighbourRow(np.empty(0, dtype=np.int64), np.empty(0))


class RowTable:
    """Rows by dense index of their title; a title without a row has an empty one.

    Targets are read through ``homes``, an array that says which title each counts for: a series
    gets the sum over its episodes. Not the largest: EASE divides what a title says about a series
    among the episodes, because they explain one another, and the largest share alone would put a
    series behind a film. A sum is also the same linear model, and its parts stay exact reasons.
    """

    def __init__(self) -> None:
        none = np.zeros(1024, dtype=np.int64)
        self._rows = Rows(
            none, none.copy(), np.empty(ENTRIES_FIRST, np.int32), np.empty(ENTRIES_FIRST)
        )
        self._end = 0

    def __contains__(self, title: int) -> bool:
        return title < len(self._rows.lengths) and self._rows.lengths[title] > 0

    def put(self, title: int, row: NeighbourRow) -> None:
        """Set a row; an empty one removes it."""
        self._grow(title + 1)
        length = len(row.titles)
        self._rows.lengths[title] = 0
        if self._end + length > len(self._rows.targets):
            self._pack(length)
        end = self._end + length
        self._rows.targets[self._end : end] = row.titles
        self._rows.values[self._end : end] = row.weights
        self._rows.starts[title], self._rows.lengths[title] = self._end, length
        self._end = end

    def get(self, title: int) -> NeighbourRow:
        """Return a row as it was set; an empty one when there is none."""
        if title not in self:
            return NO_ROW
        start = self._rows.starts[title]
        part = slice(start, start + self._rows.lengths[title])
        return NeighbourRow(
            self._rows.targets[part].astype(np.int64), self._rows.values[part].copy()
        )

    def rows(self, size: int) -> Rows:
        """Return the rows of the first ``size`` titles at least; to be read at once, not kept.

        A row that is set later may or may not be seen in them; they always stay readable.
        """
        self._grow(size)
        return self._rows

    def _grow(self, size: int) -> None:
        held = len(self._rows.starts)
        if size > held:
            more = np.zeros(max(size, 2 * held) - held, dtype=np.int64)
            starts, lengths, targets, values = self._rows
            starts, lengths = np.concatenate([starts, more]), np.concatenate([lengths, more])
            self._rows = Rows(starts, lengths, targets, values)

    def _pack(self, length: int) -> None:
        """Move what counts to the front of arrays twice as long as it and ``length`` more."""
        starts, lengths = self._rows.starts.copy(), self._rows.lengths.copy()
        targets, values = self._rows.targets, self._rows.values
        kept = np.flatnonzero(lengths)
        ends = np.cumsum(lengths[kept])
        entries = np.repeat(starts[kept] - ends + lengths[kept], lengths[kept])
        entries += np.arange(len(entries))
        self._end = len(entries)
        starts[kept] = ends - lengths[kept]
        room = max(ENTRIES_FIRST, 2 * (self._end + length))
        self._rows = Rows(starts, lengths, np.empty(room, np.int32), np.empty(room))
        self._rows.targets[: self._end] = targets[entries]
        self._rows.values[: self._end] = values[entries]
