"""Counts of pairs of titles, row by row, in a few long arrays: the form that compiled loops read.

Row j holds the titles that were counted with title j, ascending, 12 bytes each. A row that has no
room for one more moves behind all others, into twice its length; when the room behind them is used
up, everything moves into longer arrays. Counting a pair costs a binary search, and the first time
the length of its row, on average, whatever else is held.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from domain.compiled import FLOATS, INT, INTS, INTS32, NOTHING, compiled, inlined, tuple_of

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

CELLS_FIRST = 4096  # room at the start
DECIMALS = 6  # of shares
_UNIT = 10.0**DECIMALS


class BestPairs(NamedTuple):
    """The largest counts of a row as shares, largest first, ties in order of their titles.

    More than were asked for where several tie for the last place: all after the first ``above``.
    The arrays are parts of longer ones: to be copied if they are kept.
    """

    titles: Indices
    shares: Floats
    above: int


class _Cells(NamedTuple):
    """All rows: that of title j is ``others`` and ``counts`` from ``starts[j]`` on.

    It is ``lengths[j]`` long and may become ``rooms[j]`` where it is; ``totals[j]`` is its sum, and
    ``floors[j]`` what was the least count when its best were last asked for: hardly any count below
    it will be among the best the next time. ``end`` has one number: where the room behind all rows
    begins.
    """

    starts: Indices
    lengths: Indices
    rooms: Indices
    totals: Indices
    floors: Indices
    end: Indices
    others: NDArray[np.int32]
    counts: Indices


_CELLS = tuple_of(_Cells, INTS, INTS, INTS, INTS, INTS, INTS, INTS32, INTS)
_PAIRS = INT[:, ::1]
_BY_TITLE = 5  # of the cells' arrays have one number a title


@inlined
def _place_of(cells: _Cells, title: int, other: int) -> int:
    """Return where a pair is, or where it would be put."""
    first = cells.starts[title]
    last = first + cells.lengths[title]
    while first < last:
        middle = (first + last) // 2
        if cells.others[middle] < other:
            first = middle + 1
        else:
            last = middle
    return int(first)


@inlined
def _is_at(cells: _Cells, place: int, title: int, other: int) -> bool:
    """Return whether a pair is at the place that ``_place_of`` gave."""
    end = cells.starts[title] + cells.lengths[title]
    return bool(place < end and cells.others[place] == other)


@inlined
def _copy_row(source: _Cells, target: _Cells, title: int, start: int) -> None:
    first = source.starts[title]
    for offset in range(source.lengths[title]):
        target.others[start + offset] = source.others[first + offset]
        target.counts[start + offset] = source.counts[first + offset]
    target.starts[title] = start


@inlined
def _insert(cells: _Cells, place: int, title: int, other: int, count: int) -> None:
    """Put a pair into a row that has room for it."""
    for later in range(cells.starts[title] + cells.lengths[title], place, -1):
        cells.others[later] = cells.others[later - 1]
        cells.counts[later] = cells.counts[later - 1]
    cells.others[place], cells.counts[place] = other, count
    cells.lengths[title] += 1


@inlined
def _remove(cells: _Cells, place: int, title: int) -> None:
    cells.lengths[title] -= 1
    for later in range(place, cells.starts[title] + cells.lengths[title]):
        cells.others[later] = cells.others[later + 1]
        cells.counts[later] = cells.counts[later + 1]


@compiled(INT, _CELLS, _PAIRS, INTS)
def _add(cells: _Cells, pairs: Indices, counts: Indices) -> int:
    """Add to the counts of pairs; return how many were done before there was no room."""
    for done in range(len(counts)):
        title, other = pairs[done, 0], pairs[done, 1]
        if title >= len(cells.starts):
            return done
        place = _place_of(cells, title, other)
        if _is_at(cells, place, title, other):
            cells.counts[place] += counts[done]
            if cells.counts[place] == 0:
                _remove(cells, place, title)
        elif counts[done] != 0:
            length = cells.lengths[title]
            if length == cells.rooms[title]:
                end, room = cells.end[0], 2 * (length + 1)
                if end + room > len(cells.others):
                    return done
                place += end - cells.starts[title]
                _copy_row(cells, cells, title, end)
                cells.rooms[title], cells.end[0] = room, end + room
            _insert(cells, place, title, other, counts[done])
        cells.totals[title] += counts[done]
    return len(counts)


@compiled(NOTHING, _CELLS, _CELLS)
def _pack(cells: _Cells, target: _Cells) -> None:
    """Copy all rows into longer arrays, each without room to spare."""
    end = 0
    for title in range(len(cells.starts)):
        _copy_row(cells, target, title, end)
        target.lengths[title] = target.rooms[title] = cells.lengths[title]
        end += cells.lengths[title]
    target.end[0] = end


@compiled(INT, _CELLS, INT, INT)
def _count(cells: _Cells, title: int, other: int) -> int:
    place = _place_of(cells, title, other)
    return cells.counts[place] if _is_at(cells, place, title, other) else 0


@inlined
def _best_of(cells: _Cells, title: int, most: int) -> tuple[Indices, int]:
    """Return the places of the best counts of a row, best first, and how many tie with no other."""
    start = cells.starts[title]
    counts = cells.counts[start : start + cells.lengths[title]]
    kept, least = np.flatnonzero(counts >= cells.floors[title]), 0
    if len(kept) < min(most, len(counts)):  # counts were taken back, or more are asked for
        kept = np.arange(len(counts))
    if most < len(counts):
        least = np.partition(counts[kept], len(kept) - most)[len(kept) - most]
        kept = kept[counts[kept] >= least]
    cells.floors[title] = least
    found = counts[kept]
    order = np.argsort(-found, kind="mergesort")  # stable: ties stay ascending
    return kept[order] + start, int(np.sum(found > least))


@compiled(types.Tuple((INTS, FLOATS, INTS, INTS)), _CELLS, INTS, INT, INT)
def _best(
    cells: _Cells, asked: Indices, most: int, doubt: int
) -> tuple[Indices, Floats, Indices, Indices]:
    """Return the fields of ``PairCounts.best``."""
    room = 0
    for title in asked:
        room += cells.lengths[title]
    titles, shares = np.empty(room, dtype=np.int64), np.empty(room)
    ends, above = np.empty_like(asked), np.empty_like(asked)
    end = 0
    for row in range(len(asked)):
        total = cells.totals[asked[row]] + doubt
        places, above[row] = _best_of(cells, asked[row], most)
        for place in places:
            titles[end] = cells.others[place]
            shares[end] = np.rint(cells.counts[place] / total * _UNIT) / _UNIT
            end += 1
        ends[row] = end
    return titles[:end], shares[:end], ends, above


class PairCounts:
    """Whole numbers by (title, other title); those that are 0 take no room."""

    def __init__(self) -> None:
        none = np.zeros(1024, dtype=np.int64)
        self._cells = _Cells(
            starts=none, lengths=none.copy(), rooms=none.copy(), totals=none.copy(),
            floors=none.copy(), end=np.zeros(1, dtype=np.int64),
            others=np.empty(CELLS_FIRST, dtype=np.int32),
            counts=np.empty(CELLS_FIRST, dtype=np.int64),
        )  # fmt: skip

    def add(self, pairs: Indices, counts: Indices) -> None:
        """Add to the counts of pairs, of shape (pairs, 2): a title and the other."""
        done = _add(self._cells, pairs, counts)
        while done < len(counts):
            title = int(pairs[done, 0])
            if title < len(self._cells.starts):
                self._make_room()
            self._grow(title + 1)
            done += _add(self._cells, pairs[done:], counts[done:])

    def get(self, title: int, other: int) -> int:
        """Return the count of one pair."""
        self._grow(title + 1)
        return int(_count(self._cells, title, other))

    def titles(self) -> list[int]:
        """Return the titles whose row is not empty."""
        found: list[int] = np.flatnonzero(self._cells.lengths).tolist()
        return found

    def best(self, asked: Indices, most: int, doubt: int) -> list[BestPairs]:
        """Return the ``most`` largest counts of rows, and those that tie with the least of them.

        Args:
            asked: whose rows.
            most: how many, at least 1.
            doubt: is added to the sum of a row; a share is a count divided by both, rounded.
        """
        self._grow(int(asked.max(initial=-1)) + 1)
        titles, shares, ends, above = _best(self._cells, asked, most, doubt)
        found, start = [], 0
        for end, count in zip(ends.tolist(), above.tolist(), strict=True):
            found.append(BestPairs(titles[start:end], shares[start:end], count))
            start = end
        return found

    def _grow(self, size: int) -> None:
        held = len(self._cells.starts)
        if size > held:
            more = np.zeros(max(size, 2 * held) - held, dtype=np.int64)
            rows = (np.concatenate([each, more]) for each in self._cells[:_BY_TITLE])
            self._cells = _Cells._make([*rows, *self._cells[_BY_TITLE:]])

    def _make_room(self) -> None:
        """Move all rows into arrays of twice their length, and room for the longest to double."""
        cells = self._cells
        used, longest = int(cells.lengths.sum()), int(cells.lengths.max())
        size = 2 * (used + longest) + CELLS_FIRST
        self._cells = _Cells(
            starts=np.empty_like(cells.starts),
            lengths=np.empty_like(cells.lengths),
            rooms=np.empty_like(cells.rooms),
            totals=cells.totals,
            floors=cells.floors,
            end=np.zeros(1, dtype=np.int64),
            others=np.empty(size, dtype=np.int32),
            counts=np.empty(size, dtype=np.int64),
        )
        _pack(cells, self._cells)
