"""What a source is: a name, a kind, and what it reads to score titles for a viewer.

Personal sources that read the same kind of thing are scored together, as a group: one call of
compiled code for all of them instead of one for each.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

import numpy as np

from domain.ranking.history import RECENT, WEIGHTS, Floats, History, Indices
from domain.slate_index import ContentSide
from domain.sources.labels import LABELS, Kind

Region = str | None  # None: everywhere
Asked = TypeVar("Asked")


class GroupScores(Protocol):
    """What the sources of one group say for one viewer; to be read at once, not kept."""

    def add(self, factors: Floats, rows: Indices, totals: Floats) -> None:
        """Add each source's factor times its score (0-1) of each title to a row of ``totals``.

        ``factors`` and ``rows`` have one number for each source; more evidence never lowers a
        score. A source whose factor is 0 is left out.
        """

    def fill_parts(self, picks: Indices, starts: Indices, parts: Floats) -> None:
        """Write what each entry of the history says about each pick at weight 1.

        Row ``starts[k]`` of ``parts`` and those after it are for the entries that are ``counted``
        for the weights of source k, in their order; there are none where it is negative.
        """


class CompiledScores(Generic[Asked]):
    """``GroupScores`` by two compiled functions, from what is asked of them for one viewer."""

    def __init__(
        self,
        asked: Asked,
        add: Callable[[Asked, Floats, Indices, Floats], None],
        fill_parts: Callable[[Asked, Indices, Indices, Floats], None],
    ) -> None:
        self._asked, self._add, self._fill_parts = asked, add, fill_parts

    def add(self, factors: Floats, rows: Indices, totals: Floats) -> None:
        """Add scores, as ``GroupScores.add`` says."""
        self._add(self._asked, factors, rows, totals)

    def fill_parts(self, picks: Indices, starts: Indices, parts: Floats) -> None:
        """Write parts, as ``GroupScores.fill_parts`` says."""
        self._fill_parts(self._asked, picks, starts, parts)


class Group(Protocol):
    """Sources that are scored together, in the order given."""

    def score(self, content: ContentSide, history: History) -> GroupScores:
        """Return the scores of one viewer."""


class Reads(Protocol):
    """What a personal source reads."""

    @staticmethod
    def group(sources: "Sequence[PersonalSource]") -> Group:
        """Return the group of sources that all read this kind of thing."""


class PersonalSource(NamedTuple):
    """A source that looks at what the viewer did.

    With x the sum over the history of ``weights / mass`` times what each title says at weight 1, a
    score is x, or ``x / (1 + x)`` when ``saturates``.
    """

    name: str
    kind: Kind
    reads: Reads
    weights: Literal["evidence", "recency", "liked_recency"] = "recency"  # of the history
    mass: float = RECENT.mass
    saturates: bool = False

    @property
    def weights_row(self) -> int:
        """The row of ``History.weights``."""
        return WEIGHTS.index(self.weights)

    def score(self, content: ContentSide, history: History) -> "Scored":
        """Return the scores of one viewer by this source alone."""
        group = self.reads.group((self,))
        counted = history.counted[self.weights_row]
        scores = group.score(content, history)
        return Scored(scores, len(content.ids), np.flatnonzero(counted))

    def shares(self, history: History, scored: "Scored", picks: Indices) -> Floats:
        """Return what each entry adds to the score of each pick, shape (history, picks).

        A column adds up to the title's score.
        """
        weights: Floats = history.weights[self.weights_row]
        shares = np.zeros((len(weights), len(picks)))
        shares[scored.entries] = weights[scored.entries, np.newaxis] / self.mass
        shares[scored.entries] *= scored.said(picks)
        return shares * (1.0 - scored.scores[picks]) if self.saturates else shares


class Scored(NamedTuple):
    """Scores of one source for one viewer, of the first ``size`` titles.

    ``entries`` are the entries of the history that have a weight, or would if one other were taken
    out.
    """

    group: GroupScores  # of the one source
    size: int
    entries: Indices

    @property
    def scores(self) -> Floats:
        """The scores of all titles, made anew each time."""
        totals = np.zeros((1, self.size))
        self.group.add(np.ones(1), np.zeros(1, dtype=np.int64), totals)
        found: Floats = totals[0]
        return found

    def said(self, picks: Indices) -> Floats:
        """Return what each entry says about each title at weight 1, shape (entries, picks)."""
        parts = np.zeros((len(self.entries), len(picks)))
        self.group.fill_parts(picks, np.zeros(1, dtype=np.int64), parts)
        return parts


class PersonalScores(NamedTuple):
    """What all personal sources say for one viewer, by group; as ``GroupScores``."""

    groups: tuple[tuple[slice, GroupScores], ...]  # each with its sources' places among all

    def add(self, factors: Floats, rows: Indices, totals: Floats) -> None:
        """Add each source's factor times its score of each title to a row of ``totals``."""
        for span, group in self.groups:
            group.add(factors[span], rows[span], totals)

    def fill_parts(self, picks: Indices, starts: Indices, parts: Floats) -> None:
        """Write what each entry of the history says about each pick at weight 1."""
        for span, group in self.groups:
            group.fill_parts(picks, starts[span], parts)


class PersonalSources:
    """Personal sources in groups; those that read the same kind of thing follow each other."""

    def __init__(self, sources: Sequence[PersonalSource]) -> None:
        self._groups: list[tuple[slice, Group]] = []
        first = 0
        for reads, members in groupby(sources, key=lambda source: type(source.reads)):
            group = tuple(members)
            self._groups.append((slice(first, first + len(group)), reads.group(group)))
            first += len(group)

    def score(self, content: ContentSide, history: History) -> PersonalScores:
        """Return the scores of one viewer."""
        return PersonalScores(
            tuple((span, group.score(content, history)) for span, group in self._groups)
        )


class CommonSource(NamedTuple):
    """A source that is the same for every viewer of a region: one number 0-1 per title.

    ``fill(content, region, into)`` writes them into an array of as many numbers as there are titles
    once those that trend in the region are named (``titles_of``).
    """

    name: str
    kind: Kind
    fill: Callable[[ContentSide, Region, Floats], None]
    first_weight: float = 0.0  # before anything was learned

    def score(self, content: ContentSide, region: Region) -> Floats:
        """Return the scores of all titles in a new array."""
        found = np.empty(titles_of(content, region))
        self.fill(content, region, found)
        return found

    @property
    def label(self) -> str:
        """What a reason calls it."""
        return LABELS[self.name].text


def titles_of(content: ContentSide, region: Region) -> int:
    """Return how many titles there are, those included that trend before anything named them."""
    content.trending(region)
    return len(content.ids)
