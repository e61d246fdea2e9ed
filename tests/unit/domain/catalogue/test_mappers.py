"""Payloads of three partners, by the book and wrong, and every row of the real lists."""

import csv
import os
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from domain.catalogue.genres import GENRES, SYNONYMS, canonical_genres
from domain.catalogue.identity import external_content_ids, external_id, partner_content_id
from domain.catalogue.mapped import MappingError
from domain.catalogue.mappers import (
    FILM_COLUMNS,
    MAPPERS,
    NETFLIX_COLUMNS,
    film_catalogue,
    generic,
    mapper_of,
    netflix_titles,
)
from domain.catalogue.merge import check
from schemas.content import Content

DATA = Path(
    os.environ.get("MEDIA_GATEWAY_DATA", Path(__file__).resolve().parents[5] / "shared" / "data")
)
NETFLIX = DATA / "netflix" / "netflix_titles.csv"


def test_generic_reads_every_field() -> None:
    mapped = generic(
        {
            "id": 17, "type": "episode", "title": " Pilot ", "overview": "It begins.",
            "release_year": "1999", "runtime_s": 2700.0, "genres": ["Sci-Fi", "drama", "Polka"],
            "cast": ["Ann", "Bob", "Ann"], "directors": "Cid, Dan", "themes": ["space"],
            "moods": ["dark"], "language": "en", "countries": ["US"], "maturity_rating": "TV-14",
            "series_id": "s-1", "season_number": 1, "episode_number": 2,
            "external_ids": {"imdb": "TT0114709"}, "image_url": "https://example.org/a.jpg",
            "availability": [
                {"region": "DE", "from": "2026-01-01T00:00:00Z", "until_at_ms": 1798761600000,
                 "offer": "rent", "price_minor": 399, "currency": "EUR"},
            ],
        }
    )  # fmt: skip
    assert mapped.partner_id == "17"
    assert mapped.fields["genres"] == ("Science Fiction", "Drama")
    assert mapped.unknown_genres == ("Polka",)
    assert mapped.fields["cast"] == ("Ann", "Bob")
    assert mapped.fields["directors"] == ("Cid", "Dan")
    assert mapped.fields["release_year"] == 1999
    assert mapped.fields["title"] == "Pilot"
    assert mapped.external_ids == {"imdb": "tt0114709"}
    assert mapped.links == {"series_id": "s-1"}
    assert mapped.availability == (
        {
            "region": "DE", "from_at_ms": 1767225600000, "until_at_ms": 1798761600000,
            "offer": "rent", "price_minor": 399, "currency": "EUR",
        },
    )  # fmt: skip
    check(mapped.fields, mapped.availability)


def test_generic_returns_only_what_is_there_and_null_clears() -> None:
    mapped = generic({"id": "x", "overview": None, "cast": None})
    assert mapped.fields == {"overview": None, "cast": ()}
    assert mapped.availability is None
    assert generic({"id": "x", "availability": []}).availability == ()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            {},
            "id: expected your own id of the title, a text or a whole number, found nothing; every "
            "webhook names its title by it",
        ),
        (
            {"id": "  "},
            "id: expected your own id of the title, a text or a whole number, found an empty text;",
        ),
        (
            {"id": "x" * 201},
            "id: expected your own id of the title, a text or a whole number of at most 200 char",
        ),
        (
            {"id": "x", "title": ""},
            "title: expected a text, found an empty text; a title cannot be cleared",
        ),
        ({"id": "x", "title": ["a"]}, "title: expected a text, found a list"),
        (
            {"id": "x", "runtime_s": "long"},
            "runtime_s: expected a whole number, found the text 'long'",
        ),
        (
            {"id": "x", "runtime_s": True},
            "runtime_s: expected a whole number, found true; send digits",
        ),
        (
            {"id": "x", "cast": {"a": 1}},
            "cast: expected a list of texts, or one text with commas, found an object",
        ),
        (
            {"id": "x", "cast": ["Ann", 7]},
            "cast: expected a list of texts, or one text with commas, found a list with the num",
        ),
        (
            {"id": "x", "external_ids": {"imdb": "114"}},
            "external_ids.imdb: expected an identifier like tt0114709, found the text '114'",
        ),
        (
            {"id": "x", "external_ids": {"isan": "1"}},
            "external_ids: expected one of the kinds imdb, tmdb, eidr, found the text 'isan'",
        ),
        ({"id": "x", "external_ids": "tt1"}, "external_ids: expected an object like {"),
        (
            {"id": "x", "external_ids": {"imdb": 114709}},
            "external_ids.imdb: expected a text, found the number 114709",
        ),
        ({"id": "x", "availability": {}}, "availability: expected a list of windows, found an obj"),
        ({"id": "x", "availability": [{}, 1]}, "availability[1]: expected an object, found the"),
        (
            {"id": "x", "availability": [{}] * 301},
            "availability: expected at most 300 windows, found 301; join",
        ),
        (
            {"id": "x", "availability": [{}, {"from": "tomorrow"}]},
            "availability[1].from: expected a time like 2026-01-31T18:00:00Z, found the text 'tom",
        ),
        (
            {"id": "x", "availability": [{"from": "2026-13-01T00:00:00Z"}]},
            "availability[0].from: expected a time like 2026-01-31T18:00:00Z, found the text "
            "'2026-13-01T00:00:00Z'; month must be in 1..12",
        ),
        (
            {"id": "x", "availability": [{"offer": "gift"}]},
            "availability[0].offer: expected one of subscription, rent, buy, free, found the text",
        ),
        (
            {"id": "x", "availability": [{"from_at_ms": 9, "until_at_ms": 9}]},
            "availability[0].until: expected a time after from",
        ),
    ],
)
def test_generic_refuses_with_the_field_and_the_reason(payload, message) -> None:
    with pytest.raises(MappingError) as refused:
        generic(payload)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "opera"}, "type: expected 'movie', 'series', .*, found the text 'opera'$"),
        (
            {"release_year": 1700},
            "release_year: expected greater than or equal to 1870, found the number 1700$",
        ),
        ({"runtime_s": -1}, "runtime_s: expected greater than or equal to 0, found the number -1$"),
        (
            {"title": "x" * 501},
            r"title: expected a text with at most 500 characters, found the text 'x{40}'\.\.\.$",
        ),
        ({"cast": ("x",) * 101}, "cast: expected a list with at most 100 items.*, found a list$"),
    ],
)
def test_values_are_checked_by_the_canonical_schema(fields, message) -> None:
    with pytest.raises(MappingError, match=f"^{message}"):
        check(fields, None)


def test_a_window_that_is_refused_is_named_by_its_place() -> None:
    with pytest.raises(MappingError, match=r"^availability\[1\]\.region: .* 'Germany'$"):
        check({}, ({}, {"region": "Germany"}))


@pytest.mark.parametrize(
    ("mapper", "payload", "message"),
    [
        (film_catalogue, {"imdbID": "tt1675434", "Year": 1700}, "^Year: expected"),
        (netflix_titles, {"show_id": "s1", "description": "x" * 8001}, "^description: expected"),
        (generic, {"id": "x", "release_year": 1700}, "^release_year: expected"),
    ],
)
def test_a_value_out_of_range_is_named_as_the_partner_names_it(mapper, payload, message) -> None:
    mapped = mapper(payload)
    with pytest.raises(MappingError, match=message):
        check(mapped.fields, mapped.availability, mapped.names)


def test_names_of_columns_are_names_of_canonical_fields() -> None:
    for columns in (FILM_COLUMNS, NETFLIX_COLUMNS):
        assert set(columns) <= set(Content.model_fields)


def test_film_catalogue_row() -> None:
    mapped = film_catalogue(
        {
            "ID": 595, "imdbID": "tt1675434", "Title": "The Intouchables", "Year": 2011,
            "Rating": "R", "Runtime": 112.0, "Genre": "Biography, Comedy, Drama",
            "Director": "Olivier Nakache, Éric Toledano", "Cast": "Omar Sy", "Language": "French",
            "Country": "France", "Oscars": 0, "Keywords": ["friendship", "paris"],
        }
    )  # fmt: skip
    assert mapped.partner_id == "tt1675434"
    assert mapped.external_ids == {"imdb": "tt1675434"}
    assert mapped.fields == {
        "type": "movie", "title": "The Intouchables", "release_year": 2011, "runtime_s": 6720,
        "genres": ("History", "Comedy", "Drama"), "cast": ("Omar Sy",),
        "directors": ("Olivier Nakache", "Éric Toledano"), "language": "French",
        "countries": ("France",), "maturity_rating": "R", "themes": ("friendship", "paris"),
    }  # fmt: skip
    with pytest.raises(MappingError, match=r"^imdbID: expected .* like tt0114709, found nothing"):
        film_catalogue({"Title": "x"})
    with pytest.raises(MappingError, match=r"^imdbID: expected .* like tt0114709, found .* 'nm1'"):
        film_catalogue({"imdbID": "nm1"})


def test_a_comma_before_jr_does_not_end_a_name() -> None:
    cast = "Val Kilmer, Robert Downey, Jr., Ed Begley, Sr, Sra. Vega"
    mapped = film_catalogue({"imdbID": "tt0373469", "Cast": cast})
    names = ("Val Kilmer", "Robert Downey Jr.", "Ed Begley Sr", "Sra. Vega")
    assert mapped.fields["cast"] == names


def test_netflix_rows() -> None:
    film = netflix_titles(
        {
            "show_id": "s1", "type": "Movie", "title": "Dick Johnson Is Dead", "director": "K. J.",
            "cast": "", "country": "United States", "date_added": "25-Sep-21",
            "release_year": "2020", "rating": "PG-13", "duration": "90 min",
            "listed_in": "Documentaries", "description": "As her father nears the end.",
        }
    )  # fmt: skip
    assert film.fields["type"] == "movie"
    assert film.fields["runtime_s"] == 5400
    assert film.fields["genres"] == ("Documentary",)
    assert film.fields["directors"] == ("K. J.",)
    assert film.fields["overview"] == "As her father nears the end."
    assert "cast" not in film.fields
    series = netflix_titles(
        {"show_id": "s2", "type": "TV Show", "title": "B", "duration": "2 Seasons",
         "listed_in": "International TV Shows, TV Dramas, TV Mysteries", "cast": "Ama Q, Khosi N"}
    )  # fmt: skip
    assert series.fields == {
        "type": "series", "title": "B", "genres": ("Drama", "Mystery"), "cast": ("Ama Q", "Khosi N")
    }  # fmt: skip
    assert series.unknown_genres == ("International TV Shows",)
    shifted = netflix_titles({"show_id": "s3", "type": "Movie", "rating": "74 min", "duration": ""})
    assert shifted.fields == {"type": "movie", "runtime_s": 4440}
    with pytest.raises(
        MappingError, match=r"^type: expected 'Movie' or 'TV Show', found .* 'Opera'"
    ):
        netflix_titles({"show_id": "s4", "type": "Opera"})
    with pytest.raises(MappingError, match=r"^duration: expected .* '90 min' .* 'long'"):
        netflix_titles({"show_id": "s4", "duration": "long"})


def test_mappers_by_name() -> None:
    assert set(MAPPERS) == {"generic", "film-catalogue", "netflix-titles"}
    with pytest.raises(MappingError, match=r"^mapper: expected one of generic,.* 'nope'"):
        mapper_of("nope")


def test_genres() -> None:
    assert len(GENRES) == 18
    assert {genre for found in SYNONYMS.values() for genre in found} <= set(GENRES)
    assert all(name == name.lower() for name in SYNONYMS)
    assert canonical_genres(["  SCI-FI ", "Comedy", "comedies", "?"]) == (
        ("Science Fiction", "Comedy"),
        ("?",),
    )


def test_content_ids() -> None:
    ids = {"eidr": external_id("eidr", "10.5240/7791-8534-2c23-9030-8610-5"), "imdb": "tt0114709"}
    assert external_content_ids(ids) == (
        "imdb:tt0114709",
        "eidr:10.5240:7791-8534-2C23-9030-8610-5",
    )
    assert external_id("tmdb", "movie-862") == "movie-862"
    assert partner_content_id("acme", "film-17") == "acme:film-17"
    odd = partner_content_id("acme", "film 17/ä")
    assert odd == partner_content_id("acme", "film 17/ä")
    assert odd.startswith("acme:h-")
    assert len(partner_content_id("a" * 40, "x" * 200)) <= 64


@pytest.mark.skipif(not NETFLIX.exists(), reason=f"the Netflix list is not at {NETFLIX}")
def test_every_row_of_the_netflix_list() -> None:
    kinds: Counter[str] = Counter()
    with NETFLIX.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            mapped = netflix_titles(row)
            check(mapped.fields, mapped.availability)
            kinds[mapped.fields["type"]] += 1
            assert (mapped.fields["type"] == "movie") == ("runtime_s" in mapped.fields)
    assert kinds == {"movie": 6131, "series": 2676}


def test_every_row_of_the_film_catalogue() -> None:
    package = pytest.importorskip("bokeh_sampledata")
    database = Path(package.__file__).parent / "_data" / "movies.db"
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    count = 0
    for row in connection.execute("select * from omdb"):
        mapped = film_catalogue(dict(row))
        check(mapped.fields, mapped.availability)
        count += 1
    connection.close()
    assert count == 17472
