"""One viewer's scores over all titles: the same function in the agents and in the evaluator.

Everything is computed viewer by viewer in double precision and in a fixed order, so a viewer's
scores do not depend on who else is in the batch. What is the same for all viewers is computed once
and kept until ``refresh``.
"""

from typing import NamedTuple

import numpy as np

from domain.ranking import exploration
from domain.ranking.history import Flags, Floats, History, Indices
from domain.ranking.value_model import EVIDENCE_FULL, ValueModel
from domain.slate_index import ContentSide
from domain.sources.registry import COMMON, NAMES, PERSONAL, PERSONAL_SOURCES
from domain.sources.source import PersonalScores, Region, titles_of

_IN_ONE_ROW = np.zeros(len(PERSONAL), dtype=np.int64)
_EACH_IN_ITS_OWN = np.arange(len(PERSONAL))
_AS_THEY_ARE = np.ones(len(PERSONAL))


class ViewerScores(NamedTuple):
    """Scores of one viewer: ``total`` per title, and the parts it is made of.

    ``own`` is the sum of the personal sources' scores times their factors, and ``total = own +
    common part``; ``factors`` has one number a source in the order of the registry.
    """

    total: Floats
    own: Floats
    personal: PersonalScores
    factors: Floats
    evidence: int
    region: Region


class _Common(NamedTuple):
    """What is the same for all viewers of a region."""

    scores: Floats  # (common sources, titles)
    means: Floats  # over the titles that can be recommended
    supported: Flags  # something speaks for the title, whoever asks
    totals: dict[int, Floats]  # by evidence


class Ranker:
    """Scores viewers with one content side and one value model, both of which change under it."""

    def __init__(self, content: ContentSide, model: ValueModel) -> None:
        self.content = content
        self.model = model
        self._common: dict[Region, _Common] = {}
        self._bounds: Floats | None = None
        self._new: Indices | None = None
        self._id_order: Indices | None = None
        self._cells = np.empty(0)  # of ``table``

    def refresh(self) -> None:
        """Forget what is the same for all viewers: after statistics or weights changed."""
        self._common.clear()
        self._bounds = None
        self._new = None

    def score(self, history: History, region: Region = None) -> ViewerScores:
        """Return the scores of one viewer over all titles."""
        evidence = evidence_of(history)
        factors = self.model.factors(evidence)
        common = self._common_total(region, evidence, factors)  # may name new titles
        own = np.zeros(len(common))
        personal = PERSONAL_SOURCES.score(self.content, history)
        personal.add(factors, _IN_ONE_ROW, own[np.newaxis])
        return ViewerScores(own + common, own, personal, factors, evidence, region)

    def table(self, history: History) -> Floats:
        """Return the 0-1 scores of all sources for all titles, shape (sources, titles).

        Of one viewer, as known now, whatever is kept. The next call writes into the same memory.
        """
        content = self.content
        size = titles_of(content, None)
        if len(self._cells) < len(NAMES) * size:
            self._cells = np.empty(2 * len(NAMES) * size)
        found = self._cells[: len(NAMES) * size].reshape(len(NAMES), size)
        personal, common = found[: len(PERSONAL)], found[len(PERSONAL) :]
        personal[:] = 0.0
        PERSONAL_SOURCES.score(content, history).add(_AS_THEY_ARE, _EACH_IN_ITS_OWN, personal)
        _fill(common, content, None)
        return found

    def matrix(self, scores: ViewerScores, titles: Indices) -> Floats:
        """Return the 0-1 scores of all sources for some titles, shape (sources, titles)."""
        personal = np.zeros((len(PERSONAL), len(scores.total)))
        scores.personal.add(_AS_THEY_ARE, _EACH_IN_ITS_OWN, personal)
        common = self._common_of(scores.region).scores
        return np.concatenate([personal[:, titles], common[:, titles]])

    def common_parts(self, scores: ViewerScores, titles: Indices) -> Floats:
        """Return what each common source adds to the total, shape (common sources, titles)."""
        common = self._common_of(scores.region).scores
        parts: Floats = common.take(titles, axis=1) * scores.factors[len(PERSONAL) :, np.newaxis]
        return parts

    def upper_bounds(self) -> Floats:
        """Return the upper confidence bounds for exploration, kept until ``refresh``."""
        if self._bounds is None or len(self._bounds) < len(self.content.ids):
            self._bounds = exploration.upper_bounds(self.content)
        return self._bounds

    def new_titles(self) -> Indices:
        """Return the titles that "new for you" chooses from, kept until ``refresh``."""
        if self._new is None:
            self._new = exploration.new_titles(self.content)
        return self._new

    def id_order(self) -> Indices:
        """Return the place of each title among all in order of content id; settles ties."""
        ids = self.content.ids
        if self._id_order is None or len(self._id_order) < len(ids):
            self._id_order = np.empty(len(ids), dtype=np.int64)
            self._id_order[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return self._id_order

    def supported(self, region: Region) -> Flags:
        """Return which titles somebody watched or that trend in the region; kept."""
        return self._common_of(region).supported

    @property
    def version(self) -> str:
        """What made these scores: the refit models and how much the blend has learned."""
        return f"cowatch-{self.content.model_version}.value-{self.model.learned}"

    def common_means(self, scores: ViewerScores) -> Floats:
        """Return what each common source adds to the total of an average title."""
        means: Floats = self._common_of(scores.region).means * scores.factors[len(PERSONAL) :]
        return means

    def _common_of(self, region: Region) -> _Common:
        held = self._common.get(region)
        if held is not None and held.scores.shape[1] == len(self.content.ids):
            return held
        content = self.content
        scores = np.empty((len(COMMON), titles_of(content, region)))
        _fill(scores, content, region)
        shown = content.recommendable[: scores.shape[1]]
        means = scores[:, shown].mean(axis=1) if shown.any() else np.zeros(len(COMMON))
        supported = (content.statistics.viewers_of(scores.shape[1]) > 0) | (scores[0] > 0.0)
        found = self._common[region] = _Common(scores, means, supported, {})
        return found

    def _common_total(self, region: Region, evidence: int, factors: Floats) -> Floats:
        common = self._common_of(region)
        kept = min(evidence, EVIDENCE_FULL)
        found = common.totals.get(kept)
        if found is None:
            found = common.totals[kept] = _weighted(common.scores, factors[len(PERSONAL) :])
        return found


def _fill(common: Floats, content: ContentSide, region: Region) -> None:
    for source, row in zip(COMMON, common, strict=True):
        source.fill(content, region, row)


def _weighted(rows: Floats, factors: Floats) -> Floats:
    """Return the sum of rows times factors, added up row by row."""
    found = np.zeros(rows.shape[1])
    for row, factor in zip(rows, factors.tolist(), strict=True):
        found += row * factor
    return found


def totals_of(table: Floats, factors: Floats) -> Floats:
    """Return the totals of ``Ranker.score``, to the last bit, from those of ``Ranker.table``."""
    of = len(PERSONAL)
    return _weighted(table[:of], factors[:of]) + _weighted(table[of:], factors[of:])


def evidence_of(history: History) -> int:
    """Return how many different titles the viewer is known to have engaged with."""
    return int(np.count_nonzero(history.engaged))


def rank_of(total: Floats, candidates: Indices, target: int, content: ContentSide) -> int:
    """Return how many candidates come before ``target`` (one of them); ties by content id."""
    scores = total[candidates]
    score = total[target]
    ahead = int(np.count_nonzero(scores > score))
    tied = candidates[scores == score].tolist()
    own = content.ids[target]
    return ahead + sum(1 for title in tied if content.ids[title] < own)
