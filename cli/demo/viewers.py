"""MovieLens files, or simulated tastes -> ratings of catalogue films."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.demo.catalogues import Title, content_id_of
from cli.demo.movielens import MOVIELENS_DIRECTORY, linked_ids, read_rows
from cli.demo.viewing import Rating, unit

SIMULATED_DEFAULT = 610  # as many as MovieLens latest-small has
SIMULATED_POOL = 1500  # the films that simulated viewers choose from: those with most reviews
SIMULATED_HISTORY = (20, 90)  # films per viewer, least and most
SIMULATED_EPOCH_S = 1_500_000_000  # any fixed time will do: only order and proportion are used


@dataclass(frozen=True, slots=True)
class Viewers:
    """Ratings of the chosen viewers and where they come from."""

    source: str
    ratings: list[Rating]
    unmatched: int  # ratings of films that the catalogue does not have

    @property
    def count(self) -> int:
        """How many viewers there are."""
        return len({rating.user_id for rating in self.ratings})


def load_viewers(data: Path, films: Sequence[Title], *, viewers_max: int) -> Viewers:
    """Return the first ``viewers_max`` viewers (0: all), real ones where the files are there."""
    directory = data / MOVIELENS_DIRECTORY
    if (directory / "ratings.csv").is_file() and (directory / "links.csv").is_file():
        return _load_movielens(directory, {content_id_of(film) for film in films}, viewers_max)
    return simulate(films, viewers=viewers_max or SIMULATED_DEFAULT)


def _load_movielens(directory: Path, known: set[str], viewers_max: int) -> Viewers:
    content_ids = linked_ids(directory)
    ratings, unmatched = [], 0
    for row in read_rows(directory / "ratings.csv"):
        if viewers_max and int(row["userId"]) > viewers_max:
            continue
        content_id = content_ids[row["movieId"]]
        if content_id not in known:
            unmatched += 1
            continue
        ratings.append(
            Rating(
                f"viewer-{row['userId']}", content_id, float(row["rating"]), int(row["timestamp"])
            )
        )  # fmt: skip
    return Viewers("MovieLens latest-small", ratings, unmatched)


def simulate(films: Sequence[Title], *, viewers: int) -> Viewers:
    """Return viewers with tastes: two favourite genres and a favourite director each.

    Films are drawn without replacement, weighted by popularity times taste (one key per film,
    Efraimidis and Spirakis 2006), and a film that fits the taste is rated higher. All draws are
    hashes of ids, so the same catalogue gives the same viewers.
    """
    pool = films[:SIMULATED_POOL]
    genres = sorted({genre for film in pool for genre in words(film.payload, "Genre")})
    directors = sorted({name for film in pool for name in words(film.payload, "Director")})
    if not genres or not directors:
        raise ValueError("the catalogue names no genres or directors to have a taste in")
    ratings: list[Rating] = []
    for number in range(1, viewers + 1):
        ratings += _simulate_viewer(f"simulated-{number}", pool, genres, directors)
    return Viewers("simulated viewers (no MovieLens files found)", ratings, 0)


def _simulate_viewer(
    user: str, pool: Sequence[Title], genres: Sequence[str], directors: Sequence[str]
) -> list[Rating]:
    liked = {genres[int(unit(user, "genre", n) * len(genres))] for n in range(2)}
    director = directors[int(unit(user, "director") * len(directors))]
    low, high = SIMULATED_HISTORY
    length = low + int(unit(user, "length") * (high - low + 1))
    keyed = []
    for rank, film in enumerate(pool):
        taste = _taste(film.payload, liked, director)
        weight = taste / math.sqrt(rank + 1)
        key = -math.log(unit(user, film.webhook_id) or 0.5) / weight
        keyed.append((key, film.webhook_id, taste, film))
    chosen = sorted(keyed)[:length]
    ratings = []
    for place, (_, _, taste, film) in enumerate(chosen):
        noise = 2.0 * unit(user, film.webhook_id, "noise") - 1.0
        stars = min(5.0, max(0.5, round(2 * (2.5 + 0.5 * min(taste, 4.0) + noise)) / 2))
        at_s = SIMULATED_EPOCH_S + int(86_400 * (place + 100 * unit(user, "joined")))
        ratings.append(Rating(user, content_id_of(film), stars, at_s))
    return ratings


def _taste(payload: Mapping[str, object], liked: set[str], director: str) -> float:
    fits = len(liked & set(words(payload, "Genre")))
    return 1.0 + 3.0 * fits + (4.0 if director in words(payload, "Director") else 0.0)


def words(payload: Mapping[str, object], column: str) -> list[str]:
    """Return the comma-separated values of a catalogue column; none when it is empty."""
    return [word.strip() for word in str(payload.get(column) or "").split(",") if word.strip()]
