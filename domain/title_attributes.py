"""Attribute values of a title: genres, cast, directors and themes, by which titles are compared."""

from collections.abc import Callable
from typing import Literal

from schemas.content import Content

CAST_MAX = 10  # the first billed; further down, names say little about a title
PARTS = frozenset({"season", "episode"})  # neither compared nor recommended: their series is

DECIMALS = 6  # of similarities: those that are equal to this many are ties

Kind = Literal["genre", "cast", "director", "themes"]
_READ: dict[Kind, Callable[[Content], tuple[str, ...]]] = {
    "genre": lambda content: content.genres,
    "cast": lambda content: content.cast[:CAST_MAX],
    "director": lambda content: content.directors,
    "themes": lambda content: content.themes + content.moods,
}
KINDS: tuple[Kind, ...] = tuple(_READ)


def normalised(value: str) -> str:
    """Return the form in which values are compared.

    >>> normalised("  Agnès  VARDA")
    'agnès varda'
    """
    return " ".join(value.casefold().split())


def whole_id(content: Content) -> str:
    """Return the id of the title that stands for a content: of its series or original, or its own.

    An episode that names no series stands for itself and has no attributes (``attributes_of``).
    """
    series_id = content.series_id if content.type in PARTS else None
    return series_id or content.version_of or content.content_id


def wholes_of(content: Content) -> tuple[str, ...]:
    """Return the ids of what a content is part of; the first that is in the catalogue counts."""
    series_id = content.series_id if content.type in PARTS else None
    return tuple(each for each in (content.version_of, series_id) if each)


def spellings(content: Content, kind: Kind) -> dict[str, str]:
    """Return the values of one kind: normalised form -> the content's own spelling."""
    found = {normalised(value): value for value in reversed(_READ[kind](content))}
    found.pop("", None)
    return found


def attributes_of(content: Content) -> dict[str, tuple[str, ...]]:
    """Return the normalised values of each kind, sorted; kinds without values are left out.

    Only whole titles have any: neither seasons and episodes nor versions of another title.
    """
    if content.type in PARTS or whole_id(content) != content.content_id:
        return {}
    values = ((kind, tuple(sorted(spellings(content, kind)))) for kind in KINDS)
    return {kind: found for kind, found in values if found}
