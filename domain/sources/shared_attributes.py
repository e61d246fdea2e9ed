"""Shared attributes: titles with the genres, cast, directors or themes of the viewer's last titles.

``f(i) = (1 - d) * sum over recent titles j of d ** newer(j) * sim(j, i)`` with the similarity of
``domain.sources.attributes``, one source a kind. At most 1, because similarities are.
"""

from domain import title_attributes
from domain.ranking.history import RECENT, History
from domain.slate_index import ContentSide
from domain.sources.labels import Kind
from domain.sources.source import PersonalSource, Scored

_GRAPH: Kind = "graph_based"


def source_of(kind: title_attributes.Kind) -> PersonalSource:
    """Return the source of one kind of attribute."""

    def score(content: ContentSide, history: History) -> Scored:
        index = content.attributes[kind]
        titles = history.homes[history.reach]
        weights = history.recency[history.reach] / RECENT.mass

        return Scored(
            len(content.ids),
            lambda total, factor: index.add_scores(titles, weights, factor, total),
            history.reach,
            lambda picks: index.parts(titles, picks),
        )

    return PersonalSource(kind, "content_based" if kind == "genre" else _GRAPH, score)


SOURCES = tuple(source_of(kind) for kind in title_attributes.KINDS)
