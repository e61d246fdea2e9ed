"""What we compare with, each as strong as it can be: whole models, no truncation, best parameters.

All three learn from liked ratings. Popularity and item-kNN are kept current by the event; EASE is
refit when we are, for each ridge of a grid, and the best ridge in hindsight counts: more than any
real system could know.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

RIDGES = (50.0, 100.0, 250.0, 500.0, 1000.0)

CELLS_MAX = 500_000_000  # users x titles: 2 GB

Floats = NDArray[np.float32]


class TooLargeError(RuntimeError):
    """The rating set does not fit into memory; the message says what sample does."""


class Liked:
    """Who liked what, growing: X as rows of users and columns of titles, both dense indices."""

    def __init__(self, users: int, titles: int) -> None:
        if users * titles > CELLS_MAX:
            raise TooLargeError(
                f"{users:,} users x {titles:,} titles are too many to compare with whole models; "
                f"use --sample {max(1, CELLS_MAX // titles):,} or less"
            )
        self.matrix = np.zeros((users, titles), dtype=np.float32)
        self.size = 0  # titles seen so far: columns from here on are empty
        self._users = np.zeros(titles, dtype=np.float32)

    def put(self, user: int, title: int) -> None:
        """Add one liked title."""
        self._users[title] += 1.0 - self.matrix[user, title]
        self.matrix[user, title] = 1.0

    @property
    def users(self) -> Floats:
        """How many users liked each title seen so far."""
        return self._users[: self.size]

    @property
    def seen(self) -> Floats:
        """The columns in use."""
        return self.matrix[:, : self.size]


class Baseline(Protocol):
    """Scores all titles seen so far for one user."""

    def scores(self, liked: Liked, user: int) -> Floats:
        """Return one score per title seen so far."""

    def refit(self, liked: Liked) -> None:
        """Fit anew over everything liked so far."""


class Popularity:
    """How many users liked a title."""

    def scores(self, liked: Liked, user: int) -> Floats:
        """Return the counts; the same for every user."""
        return liked.users.copy()

    def refit(self, liked: Liked) -> None:
        """Nothing to fit: the counts are always current."""


class ItemKnn:
    """Sum of cosines to everything the user liked: ``x_u X'X / (|x_i| |x_j|)``, always current."""

    def scores(self, liked: Liked, user: int) -> Floats:
        """Return the sums."""
        matrix = liked.seen
        norms: Floats = np.sqrt(np.maximum(liked.users, np.float32(1.0)))
        own = np.flatnonzero(matrix[user])
        alike = matrix[:, own] @ (1.0 / norms[own])  # by user
        found: Floats = (alike @ matrix) / norms
        return found

    def refit(self, liked: Liked) -> None:
        """Nothing to fit."""


class Ease:
    """EASE^R (Steck 2019) with one ridge, as it was at the last refit; the user's row is current.

    Kept in whichever form is smaller: B itself (titles by titles), or with fewer users than titles
    the two factors it is a product of (``domain.cowatch``). The last user's sum is kept: ratings
    come in sittings, and only what was liked since is added to it.
    """

    def __init__(self, ridge: float) -> None:
        self.ridge = ridge
        self._user = -1  # whose sum is kept, and which titles are in it
        self._counted = np.zeros(0, dtype=bool)
        self._sum = np.zeros(0)
        self._left: Floats | None = None  # users by titles, or None for the form with B
        self._right = np.zeros((0, 0), dtype=np.float32)
        self._scale = np.zeros(0, dtype=np.float32)

    def refit(self, liked: Liked) -> None:
        """Fit over everything liked so far."""
        self._user = -1
        matrix = liked.seen
        if matrix.shape[0] < matrix.shape[1]:
            self._left = matrix.copy()
            product = (matrix @ matrix.T).astype(np.float64)
            product.flat[:: len(product) + 1] += self.ridge
            solved = cho_solve(cho_factor(product, overwrite_a=True), matrix.astype(np.float64))
            self._right = solved.astype(np.float32)
            diagonal = 1.0 - np.einsum("ui,ui->i", matrix, self._right)
            self._scale = (1.0 / diagonal).astype(np.float32)
            return
        self._left = None
        product = (matrix.T @ matrix).astype(np.float64)
        product.flat[:: len(product) + 1] += self.ridge
        inverse = cho_solve(cho_factor(product, overwrite_a=True), np.eye(len(product)))
        self._right = (-inverse / np.diag(inverse)).astype(np.float32)
        np.fill_diagonal(self._right, 0.0)

    def scores(self, liked: Liked, user: int) -> Floats:
        """Return ``x_u B``; titles that came after the refit have 0."""
        known = self._right.shape[1]
        if user != self._user:
            self._user, self._counted, self._sum = (
                user,
                np.zeros(known, dtype=bool),
                np.zeros(known),
            )
        new = np.flatnonzero((liked.matrix[user, :known] > 0.0) & ~self._counted)
        self._counted[new] = True
        if self._left is None:
            self._sum += self._right[new].sum(axis=0)
        else:
            likes = self._left[:, new].sum(axis=1)  # of these titles, by user
            others = np.flatnonzero(likes)
            if len(others) < len(likes) / 4:  # to pick their rows takes longer than to multiply
                self._sum += (likes[others] @ self._right[others]) * self._scale
            else:
                self._sum += (likes @ self._right) * self._scale
        found = np.zeros(liked.size, dtype=np.float32)
        found[:known] = self._sum
        return found


def baselines() -> Iterator[tuple[str, Baseline]]:
    """Yield every baseline with its name."""
    yield "popularity", Popularity()
    yield "item_knn", ItemKnn()
    for ridge in RIDGES:
        yield f"ease_{ridge:g}", Ease(ridge)
