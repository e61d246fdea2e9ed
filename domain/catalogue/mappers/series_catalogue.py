"""A catalogue of series, seasons and episodes: TVmaze's field names, one object a payload.

``kind`` says what the payload is: ``show``, ``season`` or ``episode``. Their numbers are counted
apart, so the partner's own id is "show-82". Seasons and episodes name their show by ``show_id``.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from domain.catalogue import read
from domain.catalogue.genres import canonical_genres
from domain.catalogue.identity import external_id
from domain.catalogue.mapped import CAST_MAX, NAMES_MAX, Mapped, MappingError, present

KINDS = {"show": "series", "season": "season", "episode": "episode"}
_COLUMNS = {
    "title": "name", "overview": "summary", "runtime_s": "runtime", "image_url": "image",
    "season_number": "season", "episode_number": "number", "countries": "network.country.code",
    "cast": "_embedded.cast",
}  # fmt: skip
_TAG = re.compile(r"<[^<>]*>")
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}")


def series_catalogue(payload: Mapping[str, Any]) -> Mapped:
    """Read one show, season or episode."""
    kind = read.text(payload, "kind")
    if kind not in KINDS:
        raise MappingError("kind", f"{kind!r} is not one of {', '.join(KINDS)}")
    minutes = read.whole(payload, "runtime")
    summary = read.text(payload, "summary")
    image = read.inner(payload, "image")
    fields: dict[str, Any] = {
        "type": KINDS[kind],
        "title": read.text(payload, "name"),
        "overview": None if summary is None else unescape(_TAG.sub("", summary)).strip(),
        "language": read.text(payload, "language"),
        "image_url": read.text(image, "original") or read.text(image, "medium"),
    }
    if kind == "show":
        return _show(payload, fields)
    fields["runtime_s"] = None if minutes is None else minutes * 60
    numbers = _season(payload, fields) if kind == "season" else _episode(payload)
    return Mapped(
        partner_id=f"{kind}-{read.own_id(payload, 'id')}",
        fields=present(fields | numbers),
        links=_links(payload),
        availability=read.availability(payload),
        columns=_COLUMNS | ({"season_number": "number"} if kind == "season" else {}),
    )


def _show(payload: Mapping[str, Any], fields: dict[str, Any]) -> Mapped:
    genres, unknown = canonical_genres(read.names(payload, "genres", NAMES_MAX) or ())
    cast = read.inner(payload, "_embedded").get("cast")
    fields |= {
        "release_year": _year(payload, "premiered"),
        "genres": genres or None,
        "cast": None if cast is None else _people(cast),
        "countries": _countries(payload),
    }
    imdb = read.text(read.inner(payload, "externals"), "imdb")
    return Mapped(
        partner_id=f"show-{read.own_id(payload, 'id')}",
        fields=present(fields),
        external_ids={} if imdb is None else {"imdb": external_id("imdb", imdb, "externals.imdb")},
        availability=read.availability(payload),
        unknown_genres=unknown,
        columns=_COLUMNS | {"release_year": "premiered"},
    )


def _season(payload: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a season; one whose ``name`` is empty is called by its number."""
    number = read.whole(payload, "number")
    found: dict[str, Any] = {
        "season_number": number, "release_year": _year(payload, "premiereDate"),
    }  # fmt: skip
    if fields["title"] is None and "name" in payload and number is not None:
        found["title"] = f"Season {number}"
    return found


def _episode(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "season_number": read.whole(payload, "season"),
        "episode_number": read.whole(payload, "number"),  # null: a special
        "release_year": _year(payload, "airdate"),
    }


def _links(payload: Mapping[str, Any]) -> dict[str, str]:
    if payload.get("show_id") is None:
        return {}
    return {"series_id": f"show-{read.own_id(payload, 'show_id')}"}


def _year(payload: Mapping[str, Any], name: str) -> int | None:
    value = read.text(payload, name)
    if value is None:
        return None
    found = _DATE.fullmatch(value)
    if found is None:
        raise MappingError(name, f"{value[:40]!r} is not like 2013-06-24")
    return int(found[1])


def _countries(payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the country of the network or, where there is none, of the web channel."""
    for place in ("network", "webChannel"):
        country = read.inner(read.inner(payload, place), "country")
        if (code := read.text(country, "code")) is not None:
            return (code,)
    return None


def _people(cast: Any) -> tuple[str, ...]:
    if not isinstance(cast, list) or not all(isinstance(each, dict) for each in cast):
        raise MappingError("_embedded.cast", "must be a list of objects")
    names = (read.text(read.inner(each, "person"), "name") for each in cast)
    return tuple(dict.fromkeys(name for name in names if name))[:CAST_MAX]
