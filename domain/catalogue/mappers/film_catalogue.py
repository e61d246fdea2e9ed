"""A film catalogue with one row per film: OMDb column names, optionally tomatoes' ones."""

from collections.abc import Mapping
from typing import Any

from domain.catalogue import read
from domain.catalogue.genres import canonical_genres
from domain.catalogue.identity import external_id
from domain.catalogue.mapped import CAST_MAX, NAMES_MAX, Mapped, present, refusal

FILM_COLUMNS = {
    "title": "Title", "overview": "Consensus", "release_year": "Year", "runtime_s": "Runtime",
    "genres": "Genre", "cast": "Cast", "directors": "Director", "themes": "Keywords",
    "language": "Language", "countries": "Country", "maturity_rating": "Rating",
    "image_url": "Image",
}  # fmt: skip


def film_catalogue(payload: Mapping[str, Any]) -> Mapped:
    """Read one film.

    ``imdbID`` identifies the film, ``Runtime`` is in minutes, lists are comma-separated text.
    ``Keywords`` says what the film is about.
    """
    genres, unknown = canonical_genres(read.names(payload, "Genre", NAMES_MAX) or ())
    languages = read.names(payload, "Language", 1) or ()
    fields = {
        "type": "movie",
        "title": read.text(payload, "Title"),
        "overview": read.text(payload, "Consensus"),
        "release_year": read.whole(payload, "Year"),
        "runtime_s": read.minutes_as_s(payload, "Runtime"),
        "genres": genres or None,
        "cast": read.names(payload, "Cast", CAST_MAX),
        "directors": read.names(payload, "Director", NAMES_MAX),
        "themes": read.names(payload, "Keywords", NAMES_MAX),
        "language": languages[0] if languages else None,
        "countries": read.names(payload, "Country", NAMES_MAX),
        "maturity_rating": read.text(payload, "Rating"),
        "image_url": read.url(payload, "Image"),
    }
    imdb = read.text(payload, "imdbID")
    if imdb is None:
        raise refusal("imdbID", "an identifier like tt0114709", None, "it identifies the film")
    return Mapped(
        partner_id=imdb,
        fields=present(fields),
        external_ids={"imdb": external_id("imdb", imdb, "imdbID")},
        availability=read.availability(payload),
        unknown_genres=unknown,
        names=FILM_COLUMNS,
    )
