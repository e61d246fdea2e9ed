"""What the demo will post, gathered from the packages and files that are there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.demo.catalogues import (
    FILM_MAPPER,
    NETFLIX_FILE,
    NETFLIX_MAPPER,
    Title,
    content_id_of,
    load_films,
    load_netflix,
)
from cli.demo.movielens import with_keywords
from cli.demo.plan import Catalogue
from cli.demo.posting import Partner
from cli.demo.reporting import Reporter
from cli.demo.viewers import Viewers, load_viewers
from domain.catalogue.identity import partner_content_id

FILM_PARTNER, NETFLIX_PARTNER = "film-archive", "netflix"
MAPPERS = {FILM_PARTNER: FILM_MAPPER, NETFLIX_PARTNER: NETFLIX_MAPPER}


@dataclass(frozen=True, slots=True)
class Input:
    """Titles of both partners (None: the second one's file is absent) and the viewers."""

    films: list[Title]
    netflix: list[Title] | None
    viewers: Viewers


def gather(data: Path, viewers_max: int, titles_max: int, reporter: Reporter) -> Input:
    """Read the input and say what is missing; 0 means all viewers, all titles.

    Raises:
        InputMissingError: the film catalogue is not installed.
    """
    films, netflix = with_keywords(load_films(), data), load_netflix(data)
    if netflix is None:
        reporter.line(f"{data / NETFLIX_FILE} is absent: only one partner posts its catalogue")
    if titles_max:
        films, netflix = films[:titles_max], netflix and netflix[:titles_max]
    return Input(films, netflix, load_viewers(data, films, viewers_max=viewers_max))


def catalogues(given: Input, partners: Mapping[str, Partner]) -> tuple[Catalogue, list[Catalogue]]:
    """Return what the film partner posts, and what the others do."""
    films = Catalogue(partners[FILM_PARTNER], given.films, "film catalogue", content_id_of)
    if given.netflix is None:
        return films, []
    netflix = Catalogue(
        partners[NETFLIX_PARTNER], given.netflix, "Netflix list",
        lambda title: partner_content_id(NETFLIX_PARTNER, title.payload["show_id"]),
    )  # fmt: skip
    return films, [netflix]
