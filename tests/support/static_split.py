"""MovieLens latest-small cut in two: the first 80 % of each viewer's ratings, and what came later.

Rows of neighbours are judged by the NDCG@10 of the later liked titles: the published rows are what
is ranked with, not the dense matrix.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from domain.cowatch import Histories, NeighbourRows
from domain.cowatch_histories import HistoryStore
from tests.support.movielens import DATA, MOVIELENS_DIRECTORY

LIKED_MIN, TRAIN_SHARE = 4.0, 0.8


class Split(NamedTuple):
    """By viewer: titles rated first, those of them liked, and the titles liked later."""

    seen: dict[str, list[str]]
    liked: dict[str, list[str]]
    wanted: dict[str, set[str]]


def static_split() -> Split:
    """Read the ratings; later titles that nobody rated before are not wanted."""
    history: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
    with (DATA / MOVIELENS_DIRECTORY / "ratings.csv").open() as file:
        for row in csv.DictReader(file):
            rating = (int(row["timestamp"]), row["movieId"], float(row["rating"]))
            history[row["userId"]].append(rating)
    split = Split({}, {}, {})
    for viewer, ratings in sorted(history.items()):
        ratings.sort()
        cut = int(len(ratings) * TRAIN_SHARE)
        split.seen[viewer] = [title for _, title, _ in ratings[:cut]]
        split.liked[viewer] = [title for _, title, value in ratings[:cut] if value >= LIKED_MIN]
        split.wanted[viewer] = {title for _, title, value in ratings[cut:] if value >= LIKED_MIN}
    trained = {title for titles in split.seen.values() for title in titles}
    for wanted in split.wanted.values():
        wanted &= trained
    return split


def histories_of(split: Split) -> Histories:
    """Return what was liked first."""
    store = HistoryStore()
    for viewer, titles in split.liked.items():
        for title in titles:
            store.put(viewer, title, 100)
    return store.histories()


def popular(split: Split) -> Callable[[str], list[str]]:
    """Return a ranking by the number of viewers who liked a title first, the same for all."""
    count: dict[str, int] = defaultdict(int)
    for titles in split.liked.values():
        for title in titles:
            count[title] += 1
    ranked = sorted(count, key=lambda title: (-count[title], title))
    return lambda _: ranked


def ranking_by(rows: NeighbourRows, split: Split) -> Callable[[str], list[str]]:
    """Return a ranking by the sum of the rows of what a viewer liked first."""
    column = {title: place for place, title in enumerate(rows.title_ids)}

    def ranked(viewer: str) -> list[str]:
        scores = np.zeros(len(column))
        for i in (column[title] for title in split.liked[viewer] if title in column):
            part = slice(rows.starts[i], rows.starts[i + 1])
            scores[rows.neighbours[part]] += rows.weights[part]
        return [rows.title_ids[i] for i in np.argsort(-scores, kind="stable")]

    return ranked


def mean_ndcg(split: Split, ranked: Callable[[str], list[str]]) -> float:
    """Return the mean NDCG@10 over viewers with something wanted; titles seen are left out."""
    found = []
    for viewer, wanted in split.wanted.items():
        if wanted:
            seen = set(split.seen[viewer])
            found.append(_ndcg([title for title in ranked(viewer) if title not in seen], wanted))
    return float(np.mean(found))


def _ndcg(ranked: Sequence[str], wanted: set[str]) -> float:
    gains = [1 / np.log2(place + 2) for place, title in enumerate(ranked[:10]) if title in wanted]
    ideal = [1 / np.log2(place + 2) for place in range(min(10, len(wanted)))]
    return float(sum(gains) / sum(ideal))
