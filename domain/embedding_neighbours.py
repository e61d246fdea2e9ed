"""Vectors of titles -> the row of nearest titles of each new one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from domain.embedding import Vectors
from domain.title_attributes import PARTS
from schemas.content import Content
from schemas.embedding import DIMENSIONS

NEIGHBOURS_MAX = 50  # a pair counts for both titles, so a title has about 100
COSINE_MIN = 0.4  # below it two titles share no more viewers than any two do: docs/models
DECIMALS = 4  # float16 vectors move a cosine by 1e-4


class Nearest(NamedTuple):
    """The nearest titles of one: ids and cosines, best first, ties by content id."""

    content_id: str
    ids: list[str]
    cosines: list[float]


def has_row(content: Content) -> bool:
    """Return whether a title has neighbours of its own.

    Seasons, episodes and versions count for the whole title, whose text has a row: with rows of
    their own the episodes of one series would fill those of everything like it.
    """
    return content.type not in PARTS and content.version_of is None


class VectorTable:
    """The vectors of the titles that have a row, as one matrix that grows."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._vectors: Vectors = np.zeros((1024, DIMENSIONS), np.float32)

    def put(self, content_id: str, vector: Vectors) -> None:
        """Set the vector of a title: unit length, shape (384,)."""
        place = self._places.setdefault(content_id, len(self._ids))
        if place == len(self._ids):
            self._ids.append(content_id)
            if place == len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[place] = vector

    def remove(self, content_id: str) -> None:
        """Take a title out, if it is there; its place is kept for its return."""
        if content_id in self._places:
            self._vectors[self._places[content_id]] = 0.0  # no cosine reaches the least

    def nearest(self, content_ids: Sequence[str]) -> list[Nearest]:
        """Return the nearest titles of some, each among the others and those listed before it.

        At most ``NEIGHBOURS_MAX`` of at least ``COSINE_MIN`` each, rounded to ``DECIMALS``.

        Args:
            content_ids: titles that have a vector, each once.
        """
        places = [self._places[each] for each in content_ids]
        cosines = self._vectors[places] @ self._vectors[: len(self._ids)].T
        among = cosines[:, places]
        among[np.triu_indices(len(places))] = 0.0  # itself, and those listed after it
        cosines[:, places] = among
        return [self._best(*each) for each in zip(content_ids, cosines, strict=True)]

    def _best(self, content_id: str, cosines: Vectors) -> Nearest:
        found = np.flatnonzero(cosines >= COSINE_MIN)
        # The vectors are rounded, so the cosine of two equal ones may be above 1.
        values = np.minimum(np.round(cosines[found].astype(np.float64), DECIMALS), 1.0)
        if len(found) > NEIGHBOURS_MAX:
            best = values >= np.partition(values, -NEIGHBOURS_MAX)[-NEIGHBOURS_MAX]
            found, values = found[best], values[best]
        pairs = zip(found.tolist(), values.tolist(), strict=True)
        ranked = sorted((-value, self._ids[place]) for place, value in pairs)[:NEIGHBOURS_MAX]
        return Nearest(content_id, [each for _, each in ranked], [-value for value, _ in ranked])
