"""Which title a payload is about: deterministic content ids and the identifiers behind them.

A known external identifier names the title for every partner (``imdb:tt0114709``); without one the
partner's own id does (``acme:film-17``). Two partners that send the same external identifier
therefore mean one content.
"""

import hashlib
import re
from collections.abc import Mapping

from domain.catalogue.mapped import refusal
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN

PARTNER_CONTENT_ID_MAX = 200
_SHAPES = {
    "imdb": (re.compile(r"tt[0-9]{7,10}"), "tt0114709"),
    "tmdb": (re.compile(r"(movie|tv)-[0-9]{1,10}"), "movie-862 or tv-1396"),
    "eidr": (
        re.compile(r"10\.5240/([0-9A-F]{4}-){5}[0-9A-Z]"),
        "10.5240/7791-8534-2C23-9030-8610-5",
    ),
}
EXTERNAL_KINDS = tuple(_SHAPES)  # in this order they name a content
_ID = re.compile(ID_PATTERN)


def external_id(kind: str, value: str) -> str:
    """Check one external identifier and return its normal form.

    TMDb numbers films and series apart, so a TMDb id carries which one it is.

    Raises:
        MappingError: the kind is not known or the value does not have its shape.
    """
    if kind not in _SHAPES:
        known = f"one of the kinds {', '.join(EXTERNAL_KINDS)}"
        raise refusal("external_ids", known, kind, "leave other kinds out")
    pattern, example = _SHAPES[kind]
    normal = value.strip().upper() if kind == "eidr" else value.strip().lower()
    if not value.isascii() or not pattern.fullmatch(normal):  # upper() makes ASCII of others
        raise refusal(f"external_ids.{kind}", f"an identifier like {example}", value)
    return normal


def external_content_ids(external_ids: Mapping[str, str]) -> tuple[str, ...]:
    """Return the content ids that these identifiers stand for, the strongest first."""
    return tuple(
        f"{kind}:{external_ids[kind].replace('/', ':')}"
        for kind in EXTERNAL_KINDS
        if kind in external_ids
    )


def partner_content_id(partner: str, partner_id: str) -> str:
    """Return the content id of a title that only this partner's own id names.

    An id that does not fit the alphabet or the length of ours is replaced by its hash.
    """
    plain = f"{partner}:{partner_id}"
    if len(plain) <= ID_LENGTH_MAX and _ID.fullmatch(plain):
        return plain
    digest = hashlib.sha256(partner_id.encode()).hexdigest()[: ID_LENGTH_MAX - len(partner) - 4]
    return f"{partner}:h-{digest[:24]}"
