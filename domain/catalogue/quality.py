"""How complete a content is: the weights of the fields it has, 0 to 1.

A field weighs what it is worth to a viewer and to recommendations: what a title is called, what it
is about and who made it most. What cannot be known of a type (the runtime of a series) is left out
of both sums.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

WEIGHTS: dict[str, int] = {
    "title": 10,
    "overview": 15,
    "genres": 15,
    "release_year": 10,
    "cast": 10,
    "directors": 5,
    "runtime_s": 10,
    "image_url": 10,
    "maturity_rating": 5,
    "external_ids": 5,
    "language": 3,
    "countries": 2,
}
NOT_OF: dict[str, frozenset[str]] = {
    "series": frozenset({"runtime_s", "directors"}),
    "season": frozenset({"runtime_s", "directors", "cast", "genres", "external_ids"}),
    "episode": frozenset({"cast", "directors", "genres", "external_ids", "language", "countries"}),
}
DECIMALS = 3
_RANKED = tuple(sorted(WEIGHTS, key=lambda name: (-WEIGHTS[name], name)))
_WANTED = {
    content_type: tuple(name for name in _RANKED if name not in left_out)
    for content_type, left_out in NOT_OF.items()
}


class Quality(NamedTuple):
    """The score, 0 to 1, and the fields that are missing, those that weigh most first."""

    score: float
    missing: tuple[str, ...]


def quality_of(content_type: str, values: Mapping[str, Any]) -> Quality:
    """Return how complete a content with these values is."""
    wanted = _WANTED.get(content_type, _RANKED)
    missing = tuple(name for name in wanted if not values.get(name))
    lacking = sum(WEIGHTS[name] for name in missing)
    return Quality(round(1 - lacking / sum(WEIGHTS[name] for name in wanted), DECIMALS), missing)
