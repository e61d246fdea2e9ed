"""ratings.csv and its companions -> ratings in time order, and what is known of the titles."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.evaluate.themes import Tag
from domain.evidence import LIKED_MIN
from domain.title_attributes import normalised
from schemas.content import Content

_YEAR = re.compile(r"\((\d{4})\)\s*$")
_NO_GENRES = "(no genres listed)"
YEAR_FIRST, YEAR_LAST = 1870, 2200
ID_MAX = 100  # characters


class DataError(RuntimeError):
    """The folder cannot be used; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating: who, what, 0-5 as given, and when."""

    user: str
    content_id: str
    rating: float
    at_ms: int

    @property
    def liked(self) -> bool:
        """Whether it is a positive."""
        return self.rating >= LIKED_MIN


@dataclass(frozen=True, slots=True)
class RatingSet:
    """Ratings in time order (ties by user and title), contents by id, where known, and tags."""

    name: str
    ratings: Sequence[Rating]
    contents: dict[str, Content] = field(default_factory=dict)
    tags: Sequence[Tag] = ()

    def content(self, content_id: str, themes: tuple[str, ...] = ()) -> Content:
        """Return what is known of a title, at least its id, with these themes."""
        found = self.contents.get(content_id)
        found = found or Content(
            content_id=content_id, type="movie", title=content_id, updated_at_ms=0
        )
        return found.model_copy(update={"themes": themes}) if themes else found


def load(folder: Path, users_max: int = 0) -> RatingSet:
    """Read a folder with ``ratings.csv`` and, when present, ``movies.csv`` and ``tags.csv``.

    Args:
        folder: holds the files, in the column names of MovieLens.
        users_max: keep only so many users, an evenly spread sample; 0 keeps all.

    Raises:
        DataError: a file is missing or a line cannot be read.
    """
    ratings = list(_read_ratings(folder / "ratings.csv"))
    if not ratings:
        raise DataError(f"{folder / 'ratings.csv'} has no ratings")
    if users_max:
        ratings = _sample(ratings, users_max)
    ratings.sort(key=lambda item: (item.at_ms, item.user, item.content_id))
    movies, tagged = folder / "movies.csv", folder / "tags.csv"
    contents = dict(_read_movies(movies)) if movies.is_file() else {}
    users = {item.user for item in ratings}
    tags = [tag for tag in _read_tags(tagged) if tag.user in users] if tagged.is_file() else []
    return RatingSet(folder.resolve().name, _latest_only(ratings), contents, tags)


def _sample(ratings: list[Rating], users_max: int) -> list[Rating]:
    users = sorted({item.user for item in ratings})
    if len(users) <= users_max:
        return ratings
    kept = {users[place * len(users) // users_max] for place in range(users_max)}
    return [item for item in ratings if item.user in kept]


def _latest_only(ratings: list[Rating]) -> list[Rating]:
    """Keep the first rating of each user and title: a second one is no new choice."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for item in ratings:
        key = (item.user, item.content_id)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        lines = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    with lines:
        reader = csv.DictReader(lines, restval="")
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or [])]
            if missing:
                raise DataError(f"{path} lacks the columns {', '.join(missing)}")
            for row in reader:
                if len(row["movieId"]) > ID_MAX:
                    raise DataError(
                        f"{path}, line {reader.line_num}: a movieId has at most {ID_MAX} characters"
                    )
                yield reader.line_num, row
        except UnicodeDecodeError:
            raise DataError(f"{path} is not UTF-8") from None
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from None


def _read_ratings(path: Path) -> Iterator[Rating]:
    for line, row in _rows(path, ("userId", "movieId", "rating", "timestamp")):
        try:
            rating, at_ms = float(row["rating"]), _at_ms(row)
            if not 0 <= rating <= 5:
                raise ValueError("rating outside 0-5")
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}") from None
        yield Rating(f"user:{row['userId']}", f"movie:{row['movieId']}", rating, at_ms)


def _read_tags(path: Path) -> Iterator[Tag]:
    for line, row in _rows(path, ("userId", "movieId", "tag", "timestamp")):
        try:
            at_ms = _at_ms(row)
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}") from None
        text = normalised(row["tag"] or "")
        if text:
            yield Tag(f"user:{row['userId']}", f"movie:{row['movieId']}", text, at_ms)


def _at_ms(row: dict[str, str]) -> int:
    at_s = float(row["timestamp"])
    if not 0 <= at_s < 253_402_300_799:
        raise ValueError("timestamp outside 1970-9999")
    return int(at_s) * 1000


def _read_movies(path: Path) -> Iterator[tuple[str, Content]]:
    for _, row in _rows(path, ("movieId", "title", "genres")):
        title = (row["title"] or "").strip()
        year = _YEAR.search(title)
        genres = tuple(
            name for name in (row["genres"] or "").split("|") if name and name != _NO_GENRES
        )
        content_id = f"movie:{row['movieId']}"
        yield (
            content_id,
            Content(
                content_id=content_id,
                type="movie",
                title=title[:500] or content_id,
                release_year=_year(year),
                genres=genres,
                updated_at_ms=0,
            ),
        )


def _year(found: re.Match[str] | None) -> int | None:
    year = int(found.group(1)) if found else 0
    return year if YEAR_FIRST <= year <= YEAR_LAST else None
