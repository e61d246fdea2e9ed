"""Sources that read rows of neighbours: with x the weighted sum of rows, ``x / (1 + x)``.

That is nearly x where x is small, as it is nearly always, grows with every term and stays below 1
where many titles agree. The rows are those of the titles watched, or of their homes; targets are
read by their homes (``domain.row_table``). No value of a row is negative.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import types

from domain.compiled import FLAGS, FLOATS, INTS, NOTHING, TABLE, compiled, inlined, tuple_of
from domain.ranking.history import HISTORY, RECENCY, Flags, Floats, History, Indices
from domain.row_table import ROWS, Rows
from domain.slate_index import EMBEDDING, TABLES, ContentSide
from domain.sources.source import CompiledScores, PersonalSource

_READ = (*TABLES, EMBEDDING)


class _Sources(NamedTuple):
    """What each source of a group reads, one number a source.

    ``tables`` are places in ``_READ``; ``by_home``: the rows of the homes, not of the titles;
    ``weights`` are rows of ``History.weights``; ``same`` is an earlier source that reads the same
    rows, -1 without one.
    """

    tables: Indices
    by_home: Flags
    weights: Indices
    masses: Floats
    same: Indices


_TABLES = types.UniTuple(ROWS, len(_READ))
_SOURCES = tuple_of(_Sources, INTS, FLAGS, INTS, FLOATS, INTS)


@inlined
def _titles_of(history: History, by_home: bool) -> Indices:
    return history.homes if by_home else history.titles


class _Asked(NamedTuple):
    """What is read for one viewer; ``homes`` says what each target counts for."""

    tables: tuple[Rows, ...]
    sources: _Sources
    history: History
    homes: Indices


_ASKED = tuple_of(_Asked, _TABLES, _SOURCES, HISTORY, INTS)


@compiled(NOTHING, _ASKED, FLOATS, INTS, TABLE)
def _add(asked: _Asked, factors: Floats, into: Indices, totals: Floats) -> None:
    """Add ``factor * x / (1 + x)`` of each source to the total of each home in its row."""
    tables, sources, history, homes = asked
    size = totals.shape[1]  # targets beyond it came later and are left out
    sums, above = np.zeros(size), np.empty(size, dtype=np.int64)
    for source in range(len(factors)):
        if factors[source] == 0.0:
            continue
        rows, titles = tables[sources.tables[source]], _titles_of(history, sources.by_home[source])
        count = 0
        for entry in range(len(titles)):
            weight = history.weights[sources.weights[source], entry] / sources.masses[source]
            if weight == 0.0:
                continue
            start = rows.starts[titles[entry]]
            for place in range(start, start + rows.lengths[titles[entry]]):
                home, added = homes[rows.targets[place]], rows.values[place] * weight
                if home < size and added > 0.0:
                    if sums[home] == 0.0:
                        above[count] = home
                        count += 1
                    sums[home] += added
        total = totals[into[source]]
        for home in above[:count]:
            total[home] += sums[home] / (1.0 + sums[home]) * factors[source]
            sums[home] = 0.0


@compiled(NOTHING, _ASKED, INTS, INTS, TABLE)
def _fill_parts(asked: _Asked, picks: Indices, starts: Indices, parts: Floats) -> None:
    """Write what the row of each entry says about each pick, by home."""
    tables, sources, history, homes = asked
    columns = np.full(len(homes), -1, dtype=np.int32)
    for column in range(len(picks)):
        columns[picks[column]] = column
    entries = len(history.titles)
    rows_of = np.full((len(starts), entries), -1)  # of the parts, by source and entry
    for source in range(len(starts)):
        if starts[source] < 0:
            continue
        rows, titles = tables[sources.tables[source]], _titles_of(history, sources.by_home[source])
        same, row = sources.same[source], starts[source]
        for entry in range(entries):
            if not history.counted[sources.weights[source], entry]:
                continue
            rows_of[source, entry] = row
            if same >= 0 and rows_of[same, entry] >= 0:
                parts[row] = parts[rows_of[same, entry]]
            else:
                start = rows.starts[titles[entry]]
                for place in range(start, start + rows.lengths[titles[entry]]):
                    column = columns[homes[rows.targets[place]]]
                    if column >= 0:
                        parts[row, column] += rows.values[place]
            row += 1


class NeighbourRows(NamedTuple):
    """Rows of one table, of the titles watched or of their homes."""

    table: str
    by_home: bool = False

    @staticmethod
    def group(sources: Sequence[PersonalSource]) -> "_Group":
        """Return the group of sources that read rows."""
        return _Group(sources)


class _Group:
    def __init__(self, sources: Sequence[PersonalSource]) -> None:
        reads = [source.reads for source in sources if isinstance(source.reads, NeighbourRows)]
        if len(reads) < len(sources) or not all(source.saturates for source in sources):
            raise ValueError("rows of neighbours saturate")
        earlier = {each: place for place, each in reversed(list(enumerate(reads)))}
        self._sources = _Sources(
            tables=np.array([_READ.index(each.table) for each in reads]),
            by_home=np.array([each.by_home for each in reads]),
            weights=np.array([source.weights_row for source in sources]),
            masses=np.array([source.mass for source in sources]),
            same=np.array(
                [earlier[each] if earlier[each] < n else -1 for n, each in enumerate(reads)]
            ),
        )

    def score(self, content: ContentSide, history: History) -> CompiledScores[_Asked]:
        # The pairs of a table of pairs are put together when they are asked for.
        asked = history.homes[history.counted[RECENCY]]
        tables = tuple(content.rows(table, asked) for table in _READ)
        return CompiledScores(
            _Asked(tables, self._sources, history, content.rollup.homes), _add, _fill_parts
        )
