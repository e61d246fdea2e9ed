"""MovieLens files -> which film a row is about, and what viewers call the films.

MovieLens latest-small (F. M. Harper and J. A. Konstan 2015, The MovieLens Datasets, ACM TiiS 5, 4)
may be used for research and not be redistributed: it is read where the user put it, never copied.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cli.demo.catalogues import Title, content_id_of

MOVIELENS_DIRECTORY = "ml-latest-small"
TAGGERS_MIN = 2


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of one file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def linked_ids(directory: Path) -> dict[str, str]:
    """Return the content id of each MovieLens film, by its MovieLens id."""
    rows = read_rows(directory / "links.csv")
    return {row["movieId"]: f"imdb:tt{int(row['imdbId']):07d}" for row in rows}


def with_keywords(films: Sequence[Title], data: Path) -> list[Title]:
    """Return all films, with ``Keywords`` in the payload of those that have any in the files.

    A keyword is a tag that at least ``TAGGERS_MIN`` viewers used, for whatever films: a tag that
    nobody else ever used is a private note. Asking for two viewers of the same film would leave 55
    films of 1,393 with keywords; this leaves 640. Those with most taggers come first.
    """
    directory = data / MOVIELENS_DIRECTORY
    if not (directory / "tags.csv").is_file() or not (directory / "links.csv").is_file():
        return list(films)
    keywords = _keywords(directory)
    return [_with(film, keywords.get(content_id_of(film))) for film in films]


def _with(film: Title, keywords: list[str] | None) -> Title:
    if keywords is None:
        return film
    # Other bytes are another webhook: an earlier run may have posted the film without keywords.
    webhook_id = f"{film.webhook_id}-keywords"
    return replace(film, webhook_id=webhook_id, payload=film.payload | {"Keywords": keywords})


def _keywords(directory: Path) -> dict[str, list[str]]:
    """Return the keywords of each content id."""
    content_ids = linked_ids(directory)
    taggers: dict[str, set[str]] = defaultdict(set)
    by_film: dict[str, set[str]] = defaultdict(set)
    for row in read_rows(directory / "tags.csv"):
        tag = " ".join(row["tag"].casefold().split())
        taggers[tag].add(row["userId"])
        by_film[content_ids[row["movieId"]]].add(tag)
    found = {
        film: sorted(
            (tag for tag in tags if len(taggers[tag]) >= TAGGERS_MIN),
            key=lambda tag: (-len(taggers[tag]), tag),
        )
        for film, tags in by_film.items()
    }
    return {film: tags for film, tags in found.items() if tags}
