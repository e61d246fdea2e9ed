"""What each source is called, for people; free of everything that scores.

The names are those of ``domain.sources.registry``.
"""

from typing import Literal, NamedTuple

Kind = Literal["collaborative", "content_based", "graph_based", "context_aware", "trending"]


class Label(NamedTuple):
    """The kind of a source, and what it says of a title."""

    kind: Kind
    text: str


LABELS = {
    "next_title": Label("collaborative", "What viewers go on to"),
    "together": Label("collaborative", "Watched by the same viewers"),
    "cowatch": Label("collaborative", "Liked by viewers of the same taste"),
    "cowatch_recent": Label("collaborative", "Liked by viewers of the same taste, lately"),
    "embedding": Label("content_based", "Described alike"),
    "era": Label("content_based", "From the years the viewer watches"),
    "genre": Label("content_based", "Shares genres"),
    "cast": Label("graph_based", "Shares cast"),
    "director": Label("graph_based", "Shares directors"),
    "themes": Label("graph_based", "Shares themes"),
    "trending": Label("trending", "Trending now"),
    "popular_week": Label("trending", "Popular this week"),
    "popular_month": Label("trending", "Popular this month"),
    "popular": Label("trending", "Popular"),
    "like_rate": Label("context_aware", "Liked by most who watched it"),
    "age": Label("context_aware", "A lasting favourite"),
    "new": Label("context_aware", "New here"),
}
