"""The content side of a slate: titles, neighbour weights and trending as arrays.

Titles get a dense index in order of arrival; nothing that a slate shows depends on it. The
neighbour matrix is sparse, by rows, each row its own pair of arrays: a refit replaces thousands of
rows, and replacing one costs nothing elsewhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.trending import merge
from schemas.content import Content
from schemas.trending import TrendingPartial

TRENDING_MAX = 500  # titles of one region that can enter slates by trending alone
_PARTS = frozenset({"season", "episode"})  # recommended through their series

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class TrendingTitles(NamedTuple):
    """Trending titles of one region: dense indices and scores, best first."""

    titles: Indices
    scores: Floats


class Terms(NamedTuple):
    """Products w_j * B_ji as parallel arrays: ``owners[n]`` is the position of j in the request."""

    owners: Indices
    targets: Indices
    values: Floats


class NeighbourRow(NamedTuple):
    """Row j of B: ``weights[n]`` is B_ji for title i = ``titles[n]``."""

    titles: Indices
    weights: Floats


_NO_ROW = NeighbourRow(np.empty(0, dtype=np.int64), np.empty(0))


class ContentSide:
    """Everything about contents that scoring needs."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.names: list[str | None] = []
        self.index: dict[str, int] = {}
        self.recommendable = np.zeros(1024, dtype=bool)
        self.model_version = 0
        self.trending_stale = False
        self._rows: dict[int, NeighbourRow] = {}
        self._partials: dict[str, TrendingPartial] = {}
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
        return found

    def put_content(self, content: Content) -> None:
        """Take a title in; it can be recommended from now on."""
        title = self.index_of(content.content_id)
        self.names[title] = content.title
        self.recommendable[title] = content.type not in _PARTS

    def remove_content(self, content_id: str) -> None:
        """Take a title out: it enters no slate from now on."""
        self.recommendable[self.index_of(content_id)] = False

    def put_neighbours(
        self, content_id: str, model_version: int, ids: list[str], weights: list[float]
    ) -> None:
        """Set one row of the co-watch model; visible at once."""
        titles = np.array([self.index_of(each) for each in ids], dtype=np.int64)
        row = NeighbourRow(titles, np.array(weights, dtype=np.float64))
        self._rows[self.index_of(content_id)] = row
        self.model_version = max(self.model_version, model_version)

    def remove_neighbours(self, content_id: str) -> None:
        """Remove one row of the co-watch model."""
        self._rows.pop(self.index_of(content_id), None)

    def terms(self, titles: Sequence[int], weights: Floats) -> Terms:
        """Return all terms of the sparse product ``weights @ B[titles]``, in the order given.

        Added up by target they are the product; kept apart they are also the reasons.
        """
        rows = [self._rows.get(title, _NO_ROW) for title in titles]
        lengths = [len(row.titles) for row in rows]
        return Terms(
            owners=np.repeat(np.arange(len(rows)), lengths),
            targets=np.concatenate([_NO_ROW.titles, *(row.titles for row in rows)]),
            values=np.concatenate([_NO_ROW.weights, *(row.weights for row in rows)])
            * np.repeat(weights, lengths),
        )

    def put_trending(self, part: TrendingPartial) -> None:
        """Set the part of one shard; visible after the next ``rebuild_trending``."""
        self._partials[part.shard] = part
        self.trending_stale = True

    def remove_trending(self, shard: str) -> None:
        """Remove the part of one shard; visible after the next ``rebuild_trending``."""
        self._partials.pop(shard, None)
        self.trending_stale = True

    def rebuild_trending(self) -> None:
        """Forget the merged lists; each is merged anew when a viewer of its region is scored."""
        self._trending.clear()
        self.trending_stale = False

    def trending(self, region: str | None) -> TrendingTitles:
        """Return what trends in ``region``; everywhere, when nothing does there."""
        if region not in self._trending:
            self._trending[region] = self._merged(region)
        found = self._trending[region]
        return found if region is None or len(found.titles) else self.trending(None)

    def _merged(self, region: str | None) -> TrendingTitles:
        titles = merge(self._partials.values(), limit=TRENDING_MAX, region=region)
        return TrendingTitles(
            np.array([self.index_of(title.content_id) for title in titles], dtype=np.int64),
            np.array([title.score for title in titles], dtype=np.float64),
        )
