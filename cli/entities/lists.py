"""Real lists -> records as the catalogue agent would hold them, with or without identifiers."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.demo.catalogues import Title, content_id_of, load_films, load_netflix
from cli.demo.movielens import MOVIELENS_DIRECTORY, linked_ids, read_rows
from domain.catalogue.events import change_of, mapped_of
from domain.catalogue.record import RecordState, record_key
from schemas.webhook import WebhookReceived

FILMS, MOVIELENS, NETFLIX = "film-archive", "movielens", "netflix"
# Titles that the Netflix list has twice under names that are nothing alike: judged by hand, among
# all pairs of one year and type that share at least three persons and half of those they name; the
# last one was found by its text.
TWICE = frozenset(
    map(
        frozenset,
        (
            ("s53", "s7090"),  # InuYasha the Movie 3, and in Italian
            ("s54", "s7089"),  # InuYasha the Movie 4, and in Italian
            ("s57", "s7560"),  # Naruto Shippuden: Blood Prison
            ("s1653", "s1654"),  # Andhaghaaram, in Tamil and in Telugu
            ("s1983", "s1987"),  # Anaamika, Nee Enge En Anbe
            ("s2841", "s2874"),  # Ala Vaikunthapurramuloo, in Malayalam and in Telugu
            ("s2970", "s7023"),  # Hum Saath-Saath Hain, Together For Eternity
            ("s3029", "s7650"),  # The Ollie & Moon Show
        ),
    )
)
_YEAR_AT_END = re.compile(r"^(.*\S)\s*\(([0-9]{4})\)\s*$")

Records = dict[str, RecordState]


def films(titles: Sequence[Title] | None = None) -> tuple[Records, dict[str, str]]:
    """Return the film catalogue, and the IMDb content id of each record.

    Raises:
        InputMissingError: the package is not installed.
    """
    found = load_films() if titles is None else titles
    payloads = [film.payload for film in found]
    records = records_of(FILMS, "film-catalogue", payloads)
    truth = {record_key(FILMS, film.payload["imdbID"]): content_id_of(film) for film in found}
    return records, truth


def netflix(data: Path) -> Records | None:
    """Return the Netflix list, None when its file is absent."""
    titles = load_netflix(data)
    if titles is None:
        return None
    return records_of(NETFLIX, "netflix-titles", [title.payload for title in titles])


def movielens(data: Path) -> tuple[Records, dict[str, str]] | None:
    """Return MovieLens' films, and the IMDb content id of each; None when a file is absent.

    The partner's title is all before the year at its end: "Matrix, The".
    """
    directory = data / MOVIELENS_DIRECTORY
    if not all((directory / name).is_file() for name in ("movies.csv", "links.csv")):
        return None
    payloads = [_movie(row) for row in read_rows(directory / "movies.csv")]
    ids = linked_ids(directory)
    truth = {record_key(MOVIELENS, each["id"]): ids[each["id"]] for each in payloads}
    return records_of(MOVIELENS, "generic", payloads), truth


def _movie(row: Mapping[str, str]) -> dict[str, Any]:
    found = _YEAR_AT_END.match(row["title"])
    payload: dict[str, Any] = {"id": row["movieId"], "type": "movie"}
    if found is None:
        return payload | {"title": row["title"].strip()}
    return payload | {"title": found[1], "release_year": int(found[2])}


def records_of(partner: str, mapper: str, payloads: Iterable[Mapping[str, Any]]) -> Records:
    """Return the records of a partner that posts each payload once."""
    return dict(_record(partner, mapper, number, each) for number, each in enumerate(payloads))


def _record(
    partner: str, mapper: str, number: int, payload: Mapping[str, Any]
) -> tuple[str, RecordState]:
    webhook = WebhookReceived(
        event_id=f"{partner}-{number}", partner=partner, mapper=mapper, webhook_id=f"w{number}",
        event_type="content_added", platform=partner, occurred_at_ms=0, received_at_ms=0,
        payload=dict(payload),
    )  # fmt: skip
    mapped = mapped_of(webhook)
    state = RecordState(f"{partner}:{number}", number)
    state.apply((0, webhook.event_id), change_of(webhook, mapped))
    return record_key(partner, mapped.partner_id), state


def without_identifiers(records: Records) -> Iterator[tuple[str, RecordState]]:
    """Yield the records as if their partner knew no identifiers."""
    for key, state in records.items():
        fields = {name: held for name, held in state.fields.items() if ":" not in name}
        yield key, RecordState(state.name, state.arrived, fields, state.seen)
