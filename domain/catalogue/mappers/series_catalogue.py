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
from domain.catalogue.mapped import CAST_MAX, NAMES_MAX, Mapped, present, refusal

KINDS = {"show": "series", "season": "season", "episode": "episode"}
_COLUMNS = {
    "type": "kind",
    "title": "name",
    "overview": "summary",
    "runtime_s": "runtime",
    "image_url": "image",
    "series_id": "show_id",
}
SERIES_COLUMNS = {
    "show": {
        **_COLUMNS, "release_year": "premiered", "countries": "network.country.code",
        "cast": "_embedded.cast",
    },
    "season": {**_COLUMNS, "release_year": "premiereDate", "season_number": "number"},
    "episode": {
        **_COLUMNS, "release_year": "airdate", "season_number": "season",
        "episode_number": "number",
    },
}  # fmt: skip
_TAG = re.compile(r"<[^<>]*>")
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}")


def series_catalogue(payload: Mapping[str, Any]) -> Mapped:
    """Read one show, season or episode."""
    kind = read.text(payload, "kind")
    if kind not in KINDS:
        advice = "it says what the payload is about"
        raise refusal("kind", f"one of {', '.join(KINDS)}", payload.get("kind"), advice)
    summary = read.text(payload, "summary")
    fields: dict[str, Any] = {
        "type": KINDS[kind],
        "title": read.text(payload, "name"),
        "overview": None if summary is None else unescape(_TAG.sub("", summary)).strip(),
        "language": read.text(payload, "language"),
        "image_url": _image_url(payload),
    }
    if kind == "show":
        return _show(payload, fields)
    fields["runtime_s"] = read.minutes_as_s(payload, "runtime")
    numbers = _season(payload, fields) if kind == "season" else _episode(payload)
    return Mapped(
        partner_id=f"{kind}-{read.own_id(payload, 'id')}",
        fields=present(fields | numbers),
        links=present({"series_id": _show_id(payload)}),
        availability=read.availability(payload),
        names=SERIES_COLUMNS[kind],
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
    imdb = _text_in(payload, "externals", "imdb")
    return Mapped(
        partner_id=f"show-{read.own_id(payload, 'id')}",
        fields=present(fields),
        external_ids={} if imdb is None else {"imdb": external_id("imdb", imdb, "externals.imdb")},
        availability=read.availability(payload),
        unknown_genres=unknown,
        names=SERIES_COLUMNS["show"],
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


def _show_id(payload: Mapping[str, Any]) -> str | None:
    show = read.linked_id(payload, "show_id", "show")
    return None if show is None else f"show-{show}"


def _year(payload: Mapping[str, Any], name: str) -> int | None:
    value = read.text(payload, name)
    if value is None:
        return None
    found = _DATE.fullmatch(value)
    if found is None:
        raise refusal(name, "a date like 2013-06-24", value)
    return int(found[1])


def _countries(payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the country of the network or, where there is none, of the web channel."""
    for place in ("network", "webChannel"):
        channel = read.inner(payload, place)
        with read.within(place):
            code = _text_in(channel, "country", "code")
        if code is not None:
            return (code,)
    return None


def _text_in(payload: Mapping[str, Any], outer: str, name: str) -> str | None:
    """Return the text ``name`` of the object ``outer``; None when either is absent or empty."""
    found = read.inner(payload, outer)
    with read.within(outer):
        return read.text(found, name)


def _image_url(payload: Mapping[str, Any]) -> str | None:
    image = read.inner(payload, "image")
    with read.within("image"):
        return read.url(image, "original") or read.url(image, "medium")


def _people(cast: Any) -> tuple[str, ...]:
    if not isinstance(cast, list):
        raise refusal("_embedded.cast", "a list of objects", cast)
    names = []
    for position, each in enumerate(cast):
        place = f"_embedded.cast[{position}]"
        if not isinstance(each, dict):
            raise refusal(place, "an object", each)
        with read.within(place):
            names.append(_text_in(each, "person", "name"))
    return tuple(dict.fromkeys(name[: read.NAME_MAX] for name in names if name))[:CAST_MAX]
