"""Our own documented shape: canonical field names, for partners that have no shape of their own."""

from collections.abc import Mapping
from typing import Any

from domain.catalogue import read
from domain.catalogue.genres import canonical_genres
from domain.catalogue.identity import check_kind, external_id
from domain.catalogue.mapped import CAST_MAX, NAMES_MAX, Mapped, refusal

_TEXTS = ("title", "overview", "language", "maturity_rating")
_NUMBERS = ("release_year", "runtime_s", "season_number", "episode_number")
_LISTS = {
    "cast": CAST_MAX, "directors": NAMES_MAX, "themes": NAMES_MAX, "moods": NAMES_MAX,
    "countries": NAMES_MAX,
}  # fmt: skip
_LINKS = {"series_id": "series", "version_of": "title that it is a version of"}


def generic(payload: Mapping[str, Any]) -> Mapped:
    """Our own documented shape: canonical field names, ``id`` is the partner's own id.

    Lists are JSON lists or comma-separated text. ``null`` clears an optional field; an absent field
    stays as it is; ``{"imdb": null}`` among the external ids takes a wrong one back. ``series_id``
    and ``version_of`` are the partner's own ids too.
    """
    fields: dict[str, Any] = {}
    fields.update({name: read.text(payload, name) for name in _TEXTS if name in payload})
    fields.update({name: read.whole(payload, name) for name in _NUMBERS if name in payload})
    if "image_url" in payload:
        fields["image_url"] = read.url(payload, "image_url")
    for name, limit in _LISTS.items():
        if name in payload:
            fields[name] = read.names(payload, name, limit) or ()
    if (kind := read.text(payload, "type")) is not None:
        fields["type"] = kind
    unknown: tuple[str, ...] = ()
    if "genres" in payload:
        fields["genres"], unknown = canonical_genres(read.names(payload, "genres", NAMES_MAX) or ())
    links = {
        name: read.linked_id(payload, name, linked)
        for name, linked in _LINKS.items()
        if name in payload
    }
    if "title" in fields and fields["title"] is None:
        raise refusal("title", "a text", payload["title"], "a title cannot be cleared")
    return Mapped(
        partner_id=read.own_id(payload, "id"),
        fields=fields,
        external_ids=_external_ids(payload),
        links=links,
        availability=read.availability(payload),
        unknown_genres=unknown,
    )


def _external_ids(payload: Mapping[str, Any]) -> dict[str, str | None]:
    value = payload.get("external_ids")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refusal("external_ids", 'an object like {"imdb": "tt0114709"}', value)
    return {check_kind(kind): _external_id(kind, item) for kind, item in value.items()}


def _external_id(kind: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        advice = "null takes an identifier back"
        raise refusal(f"external_ids.{kind}", "a text", value, advice)
    return external_id(kind, value)
