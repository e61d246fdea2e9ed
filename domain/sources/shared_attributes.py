"""Shared attributes: titles with the genres, cast, directors or themes of the viewer's last titles.

``f(i) = (1 - d) * sum over recent titles j of d ** newer(j) * sim(j, i)`` with the similarity of
``domain.sources.attributes``, one source a kind. At most 1, because similarities are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import types

from domain import title_attributes
from domain.compiled import FLOATS, INTS, NOTHING, TABLE, compiled, tuple_of
from domain.ranking.history import HISTORY, RECENCY, RECENT, Floats, History, Indices
from domain.slate_index import ContentSide
from domain.sources.attributes import VALUES, Values, add_similar, cosine
from domain.sources.labels import Kind
from domain.sources.source import CompiledScores, PersonalSource
from domain.title_attributes import KINDS

_GRAPH: Kind = "graph_based"
_ALL = types.UniTuple(VALUES, len(KINDS))
_MASS = RECENT.mass  # compiled functions read no properties


class _Asked(NamedTuple):
    """What is read for one viewer: of all kinds those of the sources, places in ``KINDS``."""

    values: tuple[Values, ...]
    kinds: Indices
    history: History


_ASKED = tuple_of(_Asked, _ALL, INTS, HISTORY)


@compiled(NOTHING, _ASKED, FLOATS, INTS, TABLE)
def _add(asked: _Asked, factors: Floats, into: Indices, totals: Floats) -> None:
    values, kinds, history = asked
    counted = np.flatnonzero(history.weights[RECENCY])
    titles, weights = history.homes[counted], history.weights[RECENCY][counted] / _MASS
    for source in range(len(kinds)):
        if factors[source] != 0.0:
            of = values[kinds[source]]
            add_similar(of, titles, weights, factors[source], totals[into[source]])


@compiled(NOTHING, _ASKED, INTS, INTS, TABLE)
def _fill_parts(asked: _Asked, picks: Indices, starts: Indices, parts: Floats) -> None:
    values, kinds, history = asked
    titles = history.homes[np.flatnonzero(history.counted[RECENCY])]
    for source in range(len(kinds)):
        if starts[source] < 0:
            continue
        of = values[kinds[source]]
        for entry in range(len(titles)):
            watched = of.sets[titles[entry]]
            for column in range(len(picks)):
                shown = of.sets[picks[column]]
                parts[starts[source] + entry, column] = cosine(of.units, watched, shown)


class SharedAttributes(NamedTuple):
    """The attributes of one kind."""

    kind: title_attributes.Kind

    @staticmethod
    def group(sources: Sequence[PersonalSource]) -> "_Group":
        """Return the group of sources that read attributes."""
        return _Group(sources)


class _Group:
    def __init__(self, sources: Sequence[PersonalSource]) -> None:
        reads = [source.reads for source in sources if isinstance(source.reads, SharedAttributes)]
        plain = tuple(source_of(each.kind) for each in reads)
        if plain != tuple(sources):
            raise ValueError("sources of shared attributes differ in their kinds only")
        self._kinds = np.array([KINDS.index(each.kind) for each in reads])

    def score(self, content: ContentSide, history: History) -> CompiledScores[_Asked]:
        values = tuple(content.attributes[kind].values() for kind in KINDS)
        return CompiledScores(_Asked(values, self._kinds, history), _add, _fill_parts)


def source_of(kind: title_attributes.Kind) -> PersonalSource:
    """Return the source of one kind of attribute."""
    return PersonalSource(
        kind, "content_based" if kind == "genre" else _GRAPH, SharedAttributes(kind)
    )


SOURCES = tuple(source_of(kind) for kind in KINDS)
