"""Payload mappers by name: a partner's own shape -> canonical fields.

A mapper is a pure function of the payload. It returns only what the payload holds, so an update
touches nothing else, and raises ``MappingError`` with the partner's own field name. Every shape may
carry ``availability`` in the generic form.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from domain.catalogue import read
from domain.catalogue.genres import canonical_genres
from domain.catalogue.identity import external_id
from domain.catalogue.mapped import Mapped, MappingError, refusal

Payload = Mapping[str, Any]
Mapper = Callable[[Payload], Mapped]

CAST_MAX = 100
NAMES_MAX = 50
_TEXTS = ("title", "overview", "language", "maturity_rating", "image_url")
_NUMBERS = ("release_year", "runtime_s", "season_number", "episode_number")
_LISTS = {
    "cast": CAST_MAX, "directors": NAMES_MAX, "themes": NAMES_MAX, "moods": NAMES_MAX,
    "countries": NAMES_MAX,
}  # fmt: skip
_LINKS = ("series_id", "version_of")
_CLEARED: dict[str, Any] = dict.fromkeys((*_LISTS, "genres"), ())


def generic(payload: Payload) -> Mapped:
    """Our own documented shape: canonical field names, ``id`` is the partner's own id.

    Lists are JSON lists or comma-separated text. ``null`` clears an optional field; an absent field
    stays as it is. ``series_id`` and ``version_of`` are the partner's own ids too.
    """
    fields: dict[str, Any] = {}
    fields.update({name: read.text(payload, name) for name in _TEXTS if name in payload})
    fields.update({name: read.whole(payload, name) for name in _NUMBERS if name in payload})
    for name, limit in _LISTS.items():
        if name in payload:
            fields[name] = read.names(payload, name, limit) or _CLEARED[name]
    if (kind := read.text(payload, "type")) is not None:
        fields["type"] = kind
    unknown: tuple[str, ...] = ()
    if "genres" in payload:
        fields["genres"], unknown = canonical_genres(read.names(payload, "genres", NAMES_MAX) or ())
    if "title" in fields and fields["title"] is None:
        raise refusal("title", "a text", payload["title"], "a title cannot be cleared")
    return Mapped(
        partner_id=read.own_id(payload, "id"),
        fields=fields,
        external_ids=_external_ids(payload),
        links={name: read.own_id(payload, name) for name in _LINKS if payload.get(name)},
        availability=read.availability(payload),
        unknown_genres=unknown,
    )


def _external_ids(payload: Payload) -> dict[str, str]:
    value = payload.get("external_ids")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refusal("external_ids", 'an object like {"imdb": "tt0114709"}', value)
    for kind, item in value.items():
        if not isinstance(item, str):
            raise refusal(f"external_ids.{kind[:20]}", "a text", item)
    return {kind: external_id(kind, item) for kind, item in value.items()}


FILM_COLUMNS = {
    "title": "Title", "overview": "Consensus", "release_year": "Year", "runtime_s": "Runtime",
    "genres": "Genre", "cast": "Cast", "directors": "Director", "themes": "Keywords",
    "language": "Language", "countries": "Country", "maturity_rating": "Rating",
    "image_url": "Image",
}  # fmt: skip


def film_catalogue(payload: Payload) -> Mapped:
    """A film catalogue with one row per film: OMDb column names, optionally tomatoes' ones.

    ``imdbID`` identifies the film, ``Runtime`` is in minutes, lists are comma-separated text.
    ``Keywords`` says what the film is about.
    """
    genres, unknown = canonical_genres(read.names(payload, "Genre", NAMES_MAX) or ())
    minutes = read.whole(payload, "Runtime")
    languages = read.names(payload, "Language", 1) or ()
    fields = {
        "type": "movie",
        "title": read.text(payload, "Title"),
        "overview": read.text(payload, "Consensus"),
        "release_year": read.whole(payload, "Year"),
        "runtime_s": None if minutes is None else minutes * 60,
        "genres": genres or None,
        "cast": read.names(payload, "Cast", CAST_MAX),
        "directors": read.names(payload, "Director", NAMES_MAX),
        "themes": read.names(payload, "Keywords", NAMES_MAX),
        "language": languages[0] if languages else None,
        "countries": read.names(payload, "Country", NAMES_MAX),
        "maturity_rating": read.text(payload, "Rating"),
        "image_url": read.text(payload, "Image"),
    }
    imdb = read.text(payload, "imdbID")
    if imdb is None:
        raise refusal("imdbID", "an identifier like tt0114709", None, "it identifies the film")
    return Mapped(
        partner_id=imdb,
        fields=_present(fields),
        external_ids={"imdb": _renamed("imdbID", imdb)},
        availability=read.availability(payload),
        unknown_genres=unknown,
        names=FILM_COLUMNS,
    )


def _renamed(column: str, value: str) -> str:
    try:
        return external_id("imdb", value)
    except MappingError as error:
        raise error.at(column) from None


NETFLIX_COLUMNS = {
    "overview": "description", "runtime_s": "duration", "genres": "listed_in",
    "directors": "director", "countries": "country", "maturity_rating": "rating",
}  # fmt: skip
_DURATION = re.compile(r"([0-9]{1,4}) (min|Seasons?)")
_TYPES = {"Movie": "movie", "TV Show": "series"}


def netflix_titles(payload: Payload) -> Mapped:
    """A streaming catalogue's list: Netflix' column names, all values text.

    ``duration`` is "90 min" for a film and "2 Seasons" for a series (which has no runtime of its
    own). Some published rows have the duration in the rating column; it is read there too.
    """
    kind = read.text(payload, "type")
    if kind is not None and kind not in _TYPES:
        raise refusal("type", "'Movie' or 'TV Show'", kind)
    genres, unknown = canonical_genres(read.names(payload, "listed_in", NAMES_MAX) or ())
    rating, duration = read.text(payload, "rating"), read.text(payload, "duration")
    if duration is None and rating is not None and _DURATION.fullmatch(rating):
        rating, duration = None, rating
    fields = {
        "type": None if kind is None else _TYPES[kind],
        "title": read.text(payload, "title"),
        "overview": read.text(payload, "description"),
        "release_year": read.whole(payload, "release_year"),
        "runtime_s": _runtime_s(duration),
        "genres": genres or None,
        "cast": read.names(payload, "cast", CAST_MAX),
        "directors": read.names(payload, "director", NAMES_MAX),
        "countries": read.names(payload, "country", NAMES_MAX),
        "maturity_rating": rating,
    }
    return Mapped(
        partner_id=read.own_id(payload, "show_id"),
        fields=_present(fields),
        availability=read.availability(payload),
        unknown_genres=unknown,
        names=NETFLIX_COLUMNS,
    )


def _runtime_s(duration: str | None) -> int | None:
    if duration is None:
        return None
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise refusal("duration", "a text like '90 min' or '2 Seasons'", duration)
    return int(found[1]) * 60 if found[2] == "min" else None


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


MAPPERS: dict[str, Mapper] = {
    "generic": generic,
    "film-catalogue": film_catalogue,
    "netflix-titles": netflix_titles,
}


def mapper_of(name: str) -> Mapper:
    """Return the mapper called ``name``.

    Raises:
        MappingError: there is none.
    """
    if name not in MAPPERS:
        advice = "the operators choose it, nothing is wrong with the payload"
        raise refusal("mapper", f"one of {', '.join(MAPPERS)}", name, advice)
    return MAPPERS[name]
