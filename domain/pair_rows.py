"""Rows of neighbours whose pairs count for both titles.

The writer publishes a row once, against the titles that had one before, so a pair is in the row of
whichever title came later. What the later of two rows says of the pair is what counts: a pair that
it does not hold is gone, whatever the earlier row said of an older text.
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from domain.row_table import NO_ROW, Indices, NeighbourRow, Rows, RowTable


class _Said(NamedTuple):
    version: int
    row: NeighbourRow


class PairRows:
    """Symmetric rows by dense index: a function of the rows held, whatever order they came in.

    Taking in a row only notes who names whom; the row that counts is put together when it is asked
    for, and kept until one that it is made of changes.
    """

    def __init__(self) -> None:
        self._said: dict[int, _Said] = {}
        self._namers = defaultdict[int, list[int]](list)  # title -> those whose rows hold it
        self._table = RowTable()  # rows put together
        self._settled: set[int] = set()  # those of them that are up to date

    def __contains__(self, title: int) -> bool:
        return title in self._said

    def put(self, title: int, version: int, row: NeighbourRow) -> None:
        """Set what the row of a title says; ``version`` grows from row to row and is never shared.

        The row names each title once at most.
        """
        self.remove(title)
        self._said[title] = _Said(version, row)
        for other in row.titles.tolist():
            self._namers[other].append(title)
        self._forget(title)

    def remove(self, title: int) -> None:
        """Take a title out, with all its pairs: a pair counts while both have a row."""
        if title not in self._said:
            return
        self._forget(title)
        for other in self._said.pop(title).row.titles.tolist():
            self._namers[other].remove(title)

    def rows(self, titles: Indices, size: int) -> Rows:
        """Return rows by dense index in which those of ``titles`` are up to date."""
        for title in set(titles.tolist()).difference(self._settled):
            self._settle(title)
        return self._table.rows(size)

    def get(self, title: int) -> NeighbourRow | None:
        """Return the pairs of a title, largest first; None: it has no row."""
        self._settle(title)
        return self._table.get(title) if title in self._said else None

    def _forget(self, title: int) -> None:
        """Forget the rows that what ``title`` says is a part of."""
        named = self._said[title].row.titles.tolist()
        for other in (title, *named, *self._namers.get(title, ())):
            self._settled.discard(other)

    def _settle(self, title: int) -> None:
        if title not in self._settled:
            self._table.put(title, self._made(title) if title in self._said else NO_ROW)
            self._settled.add(title)

    def _made(self, title: int) -> NeighbourRow:
        version, row = self._said[title]
        earlier = [
            other in self._said and self._said[other].version < version
            for other in row.titles.tolist()
        ]
        later = [
            namer for namer in self._namers.get(title, ()) if self._said[namer].version > version
        ]
        naming = [self._said[namer].row for namer in later]
        titles = [row.titles[earlier], np.array(later, dtype=np.int64)]
        weights = [row.weights[earlier]]
        if naming:  # each holds the title once, so what is left is in the order of ``later``
            places = np.concatenate([each.titles for each in naming]) == title
            weights.append(np.concatenate([each.weights for each in naming])[places])
        # By weight, so that sums over the row do not depend on who named it first.
        found = NeighbourRow(np.concatenate(titles), np.concatenate(weights))
        order = np.argsort(-found.weights, kind="stable")
        return NeighbourRow(found.titles[order], found.weights[order])
