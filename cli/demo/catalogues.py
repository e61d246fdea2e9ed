"""movies.db, netflix_titles.csv -> the webhook bodies of two content partners.

Each partner sends its own payload shape: a row with the column names of its own source. The
gateway's mappers read them, so nothing is translated here.
"""

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from schemas.times import to_rfc3339

FILM_MAPPER = "film-catalogue"
NETFLIX_MAPPER = "netflix-titles"
NETFLIX_FILE = Path("netflix", "netflix_titles.csv")


class InputMissingError(RuntimeError):
    """Input that the demo cannot do without is absent; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Title:
    """One title of one partner: the id of its webhook and the partner's own record."""

    webhook_id: str
    payload: dict[str, Any]


def load_films() -> list[Title]:
    """Return every film of bokeh-sampledata's ``movies.db``, those most reviewed first.

    Raises:
        InputMissingError: the package is not installed.
    """
    try:
        database = files("bokeh_sampledata").joinpath("_data", "movies.db")
    except ModuleNotFoundError:
        raise InputMissingError(
            "the film catalogue is in the package bokeh-sampledata: "
            "install it with `pip install 'media-gateway[demo]'`"
        ) from None
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(
            "SELECT omdb.*, tomatoes.Image, tomatoes.Consensus"
            " FROM omdb LEFT JOIN tomatoes USING (ID)"
            " ORDER BY coalesce(tomatoes.Reviews, 0) DESC, omdb.ID"
        )
        return [Title(f"film-{row['ID']}", dict(row)) for row in rows]
    finally:
        connection.close()


def load_netflix(data: Path) -> list[Title] | None:
    """Return every row of the Netflix list below ``data``, or None when the file is absent."""
    path = data / NETFLIX_FILE
    if not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [Title(f"netflix-{row['show_id']}", dict(row)) for row in csv.DictReader(lines)]


def content_id_of(film: Title) -> str:
    """Content id that the gateway gives a film with an IMDb id."""
    return f"imdb:{film.payload['imdbID']}"


def webhook_bodies(
    titles: Sequence[Title], *, platform: str, occurred_at_ms: int
) -> Iterator[tuple[str, bytes]]:
    """Yield ``(webhook_id, body)`` per title; the same input gives the same bytes."""
    timestamp = to_rfc3339(occurred_at_ms)
    for title in titles:
        envelope = {
            "event_type": "content_added",
            "platform": platform,
            "timestamp": timestamp,
            "payload": title.payload,
        }
        yield title.webhook_id, orjson.dumps(envelope)
