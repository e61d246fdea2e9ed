"""A small made rating set: users with tastes, in time order, written as MovieLens writes it."""

import csv
import random
from pathlib import Path

GENRES = ("Comedy", "Drama", "Horror", "Western")


def write_ratings(folder: Path, *, users: int = 24, titles: int = 60, each: int = 20) -> Path:
    """Write ratings.csv and movies.csv; a user likes the titles of one genre."""
    dice = random.Random(5)
    folder.mkdir(exist_ok=True)
    rows = []
    for user in range(users):
        taste = user % len(GENRES)
        for place, title in enumerate(dice.sample(range(titles), each)):
            liked = title % len(GENRES) == taste
            at_s = 1_000_000_000 + user * 3_000 + place * 60
            rows.append((user, title, 5.0 if liked else 2.0 + dice.random(), at_s))
    write_csv(folder / "ratings.csv", ("userId", "movieId", "rating", "timestamp"), rows)
    movies = [
        (title, f"Title {title} ({1980 + title % 30})", GENRES[title % len(GENRES)])
        for title in range(titles)
    ]
    write_csv(folder / "movies.csv", ("movieId", "title", "genres"), movies)
    return folder


def write_csv(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
