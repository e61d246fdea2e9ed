"""The content side of a slate: titles, neighbour weights and trending as arrays.

Titles get a dense index in order of arrival; nothing that a slate shows depends on it. Weights
between titles are rows of neighbours (``domain.row_table``), each replaced by itself.

Only whole titles are recommended: an episode or season counts for its series, a version for its
original. Rows and trending are kept by the ids that were watched and rolled up when they are read,
so the order in which contents arrive does not matter.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.pair_rows import PairRows
from domain.ranking.hard_rules import HardRules
from domain.ranking.rules import RuleBook
from domain.ranking.statistics import StatisticsTable
from domain.row_table import NO_ROW, NeighbourRow, Rows, RowTable
from domain.sources.attributes import AttributeIndex
from domain.title_attributes import DECIMALS, KINDS, PARTS, attributes_of, wholes_of
from domain.trending_table import TrendingTable, TrendingTitles
from schemas.content import Content
from schemas.trending import TrendingPartial

_UNSETTLED, _ON_PATH = -1, -2  # marks while homes are looked for
YEAR_LAST = 2200  # of the release years that a content may have

# Tables of neighbour rows.
COWATCH, TOGETHER, NEXT = "cowatch", "together", "next"
TABLES = (COWATCH, TOGETHER, NEXT)
EMBEDDING = "embedding"  # the table of pairs

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class RollUp:
    """Which title each title counts for: its home, by default the title itself.

    A title names what it is part of; the first of these that is known counts, and so on upwards. A
    circle (a partner's mistake) counts for its smallest id. Homes are a function of what is known
    now, whatever arrived or left before.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.homes = np.arange(1024)
        self._ids = ids  # grows outside
        self._wholes: dict[int, tuple[int, ...]] = {}  # of known titles
        self._parts: dict[int, set[int]] = {}

    def __contains__(self, title: int) -> bool:
        return title in self._wholes

    def grow(self, size: int) -> None:
        """Make room for ``size`` titles."""
        self.homes = np.concatenate([self.homes, np.arange(len(self.homes), size)])

    def put(self, title: int, wholes: tuple[int, ...] | None) -> list[int]:
        """Set what a title is part of; None: it is not known. Return titles whose home changed."""
        before = self._wholes.pop(title, None)
        if wholes is not None:
            self._wholes[title] = wholes
        if before == wholes:
            return []
        if not before and not wholes and not self._parts.get(title):
            return []  # it stood alone and does so now: most titles of most catalogues
        for whole in before or ():
            self._parts[whole].discard(title)
        for whole in wholes or ():
            self._parts.setdefault(whole, set()).add(title)
        return self._settle(self._below(title))

    def _below(self, title: int) -> list[int]:
        """Return the title and everything that may count for it or through it."""
        found = {title: None}
        waiting = [title]
        while waiting:
            new = [part for part in self._parts.get(waiting.pop(), ()) if part not in found]
            found.update(dict.fromkeys(new))
            waiting += new
        return list(found)

    def _settle(self, titles: list[int]) -> list[int]:
        before = self.homes[titles]
        self.homes[titles] = _UNSETTLED
        for title in titles:
            self._walk(title)
        return [titles[place] for place in np.flatnonzero(self.homes[titles] != before)]

    def _walk(self, title: int) -> None:
        """Go upwards to a home that is settled, the top, or a circle; settle the whole path."""
        path: list[int] = []
        above: int | None = title
        while above is not None and self.homes[above] == _UNSETTLED:
            self.homes[above] = _ON_PATH
            path.append(above)
            wholes = self._wholes.get(above, ())
            above = next((whole for whole in wholes if whole in self), None)
        if above is None:
            home = path[-1]
        elif self.homes[above] == _ON_PATH:
            home = min(path[path.index(above) :], key=self._ids.__getitem__)
        else:
            home = int(self.homes[above])
        self.homes[path] = home


class ContentSide:
    """Everything about contents that scoring needs.

    ``index`` holds every id ever named, ``known`` those that have content or neighbours now: others
    can neither help nor appear, and must not count as evidence of having been seen once.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.names: list[str | None] = []
        self.index: dict[str, int] = {}
        self.known: dict[str, int] = {}
        self.recommendable = np.zeros(1024, dtype=bool)
        self.rollup = RollUp(self.ids)
        self.model_version = 0
        self.trending_stale = False
        self.years = np.zeros(1024, dtype=np.int64)  # release years; 0: unknown
        self.statistics = StatisticsTable()
        self.attributes = {kind: AttributeIndex(self.ids) for kind in KINDS}
        self.hard_rules = HardRules()
        self.ranking_rules = RuleBook()
        self._part_titles: set[int] = set()
        self._rows = {table: RowTable() for table in TABLES}
        self._pairs = PairRows()
        self._partials = TrendingTable(self.ids)
        self._trending: dict[str | None, TrendingTitles] = {}

    def index_of(self, content_id: str) -> int:
        """Return the dense index of a title, giving it one at first sight."""
        found = self.index.get(content_id)
        if found is None:
            found = len(self.ids)
            self.index[content_id] = found
            self.ids.append(content_id)
            self.names.append(None)
            if found >= len(self.recommendable):
                self.recommendable = np.concatenate(
                    [self.recommendable, np.zeros(len(self.recommendable), dtype=bool)]
                )
                self.years = np.concatenate([self.years, np.zeros(len(self.years), dtype=np.int64)])
                self.rollup.grow(len(self.recommendable))
        return found

    def put_content(self, content: Content) -> None:
        """Take a title in; from now on it, or what it is part of, can be recommended.

        Its trending counts for another title after the next ``rebuild_trending``.
        """
        title = self.index_of(content.content_id)
        self.names[title] = content.title
        self.years[title] = content.release_year or 0
        attributes = attributes_of(content)
        for kind, index in self.attributes.items():
            index.put(title, attributes.get(kind, ()))
        self.hard_rules.put(title, content)
        self.ranking_rules.put_title(title, content)
        (self._part_titles.add if content.type in PARTS else self._part_titles.discard)(title)
        self._relink(title, tuple(self.index_of(each) for each in wholes_of(content)))

    def remove_content(self, content_id: str) -> None:
        """Take a title out: it enters no slate from now on, and its parts count for themselves."""
        title = self.index_of(content_id)
        self.names[title] = None
        self.years[title] = 0
        for index in self.attributes.values():
            index.remove(title)
        self.hard_rules.put(title, None)
        self.ranking_rules.put_title(title, None)
        self._part_titles.discard(title)
        self._relink(title, None)

    def _relink(self, title: int, wholes: tuple[int, ...] | None) -> None:
        changed = self.rollup.put(title, wholes)
        for each in (title, *changed):
            own = self.rollup.homes[each] == each and each not in self._part_titles
            self.recommendable[each] = own and each in self.rollup
        self.trending_stale = self.trending_stale or bool(changed)
        self._set_known(title)

    def _set_known(self, title: int) -> None:
        in_rows = title in self._pairs or any(title in rows for rows in self._rows.values())
        if title in self.rollup or in_rows:
            self.known[self.ids[title]] = title
        else:
            self.known.pop(self.ids[title], None)

    def homes_of(self, content_ids: Iterable[str]) -> Indices:
        """Return the titles that ``content_ids`` count for; ids never seen are left out."""
        seen = [self.index[each] for each in content_ids if each in self.index]
        return self.rollup.homes[seen]

    def watched_name(self, title: int) -> str:
        """Return what a viewer calls a title they watched: an episode by its series' title."""
        named = title
        if title in self._part_titles:
            home = int(self.rollup.homes[title])
            named = title if home in self._part_titles else home
        return self.names[named] or self.ids[named]

    def put_row(self, table: str, content_id: str, ids: list[str], weights: Floats) -> None:
        """Set one row of a table; visible at once."""
        title = self.index_of(content_id)
        titles = np.array([self.index_of(each) for each in ids], dtype=np.int64)
        self.set_row(table, title, NeighbourRow(titles, weights))

    def set_row(self, table: str, title: int, row: NeighbourRow) -> None:
        """Set one row by dense indices; an empty one removes it."""
        self._rows[table].put(title, row)
        if not len(row.titles) or self.ids[title] not in self.known:
            self._set_known(title)

    def put_pairs(self, content_id: str, version: int, ids: list[str], weights: Floats) -> None:
        """Set one row of ``EMBEDDING``; visible at once, from both sides (``PairRows``)."""
        title = self.index_of(content_id)
        titles = np.array([self.index_of(each) for each in ids], dtype=np.int64)
        self._pairs.put(title, version, NeighbourRow(titles, weights))
        self._set_known(title)

    def remove_row(self, table: str, content_id: str) -> None:
        """Remove one row of a table."""
        title = self.index_of(content_id)
        if table == EMBEDDING:
            self._pairs.remove(title)
            self._set_known(title)
        else:
            self.set_row(table, title, NO_ROW)

    def row(self, table: str, title: int) -> NeighbourRow:
        """Return one row of a table other than ``EMBEDDING``, as it was set."""
        return self._rows[table].get(title)

    def rows(self, table: str, titles: Indices) -> Rows:
        """Return the rows of a table by dense index, of which those of ``titles`` may be read.

        To be read at once, not kept: the next row that is set may move them all.
        """
        if table == EMBEDDING:
            return self._pairs.rows(titles, len(self.ids))
        return self._rows[table].rows(len(self.ids))

    def alikeness(self, titles: Indices) -> Floats:
        """Return how alike titles are, 0-1, shape (titles, titles): the cosine of their genres.

        Rounded: the order in which titles came moves a cosine by 1e-15, which must settle no tie.
        """
        found: Floats = np.round(self.attributes["genre"].parts(titles, titles), DECIMALS)
        return found

    def put_trending(self, part: TrendingPartial) -> None:
        """Set the part of one shard; visible after the next ``rebuild_trending``."""
        self._partials.put(part, [self.index_of(entry.content_id) for entry in part.entries])
        self.trending_stale = True

    def remove_trending(self, shard: str) -> None:
        """Remove the part of one shard; visible after the next ``rebuild_trending``."""
        self._partials.remove(shard)
        self.trending_stale = True

    def rebuild_trending(self) -> None:
        """Forget the merged lists; each is merged anew when a viewer of its region is scored."""
        self._trending.clear()
        self.trending_stale = False

    def trending(self, region: str | None) -> TrendingTitles:
        """Return what trends in ``region``; everywhere, when nothing does there."""
        if region not in self._trending:
            self._trending[region] = self._partials.merged(region, self.rollup.homes)
        found = self._trending[region]
        return found if region is None or len(found.titles) else self.trending(None)
