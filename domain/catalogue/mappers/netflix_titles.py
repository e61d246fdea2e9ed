"""A streaming catalogue's list of films and series: Netflix' column names, all values text."""

import re
from collections.abc import Mapping
from typing import Any

from domain.catalogue import read
from domain.catalogue.genres import canonical_genres
from domain.catalogue.mapped import CAST_MAX, NAMES_MAX, Mapped, present, refusal

_DURATION = re.compile(r"([0-9]{1,4}) (min|Seasons?)")
NETFLIX_COLUMNS = {
    "overview": "description", "runtime_s": "duration", "genres": "listed_in",
    "directors": "director", "countries": "country", "maturity_rating": "rating",
}  # fmt: skip
_TYPES = {"Movie": "movie", "TV Show": "series"}


def netflix_titles(payload: Mapping[str, Any]) -> Mapped:
    """Read one film or series.

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
        fields=present(fields),
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
