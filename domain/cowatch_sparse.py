"""Co-watch of large catalogues: EASE of each title among the titles most watched with it.

Column i of B is the ridge regression of title i on all other titles. Here it is that of i on S, the
titles with the largest cosines to it: ``P = (X_T' X_T + lambda I)^-1`` for T = S + i, and
``B[S, i] = -P[S, i] / P[i, i]``. With S all other titles that is EASE itself. Sources: a sparse
approximate inverse with a given pattern, column by column (Grote & Huckle 1997); regressors chosen
by cosine (fsSLIM, Ning & Karypis 2011).

X'X among T is exact, so each system is positive definite whatever the ridge, and the rows do not
depend on the order of arrival. Of X'X the titles with most viewers are held dense, as many as the
dense form takes, and of all others the pairs that occur, 12 bytes each (twice that while they are
put together), up to a limit: titles beyond it, those with fewest viewers, have no rows.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.linalg import lapack

from domain import cowatch
from domain.cosines import cosines, products
from domain.cowatch import (
    DECIMALS,
    WEIGHT_ONE,
    Floats,
    Histories,
    NeighbourRows,
    gram,
    incidence,
    select_titles,
    sparse_rows,
    top_rows,
)

REGRESSORS_MAX = 100  # |S|: docs/adr/0011-sparse-co-watch.md compares 50 to 200
PROGRESS_TITLES = 10_000  # between two calls of ``progress``: some seconds

Progress = Callable[[int, int], None]  # titles done, titles in all


class Limits(NamedTuple):
    """How many titles take part, and in which form.

    Up to ``dense_titles`` EASE is fitted whole; beyond, by neighbourhoods for ``sparse_titles`` at
    most. Then X'X is held dense for the first ``dense_titles``, and ``pairs`` of it for the others.
    """

    dense_titles: int
    sparse_titles: int
    pairs: int
    regressors: int = REGRESSORS_MAX

    @property
    def titles(self) -> int:
        """How many titles take part at most."""
        return max(self.dense_titles, self.sparse_titles)


class Gram(NamedTuple):
    """X'X of titles by falling number of viewers: the first ones dense, then the lower triangle.

    Row r of ``tail`` is that of title ``len(head) + r`` up to the diagonal, in hundredths squared.
    """

    head: Floats
    tail: sparse.csr_matrix

    @property
    def titles(self) -> int:
        """How many titles there are."""
        return len(self.head) + int(self.tail.shape[0])

    def among(self, titles: NDArray[np.int64]) -> Floats:
        """Return X'X between some titles, given in rising order; only its lower triangle counts."""
        found = np.empty((len(titles), len(titles)))
        dense = int(np.searchsorted(titles, len(self.head)))
        found[:dense, :dense] = self.head[np.ix_(titles[:dense], titles[:dense])]
        if dense < len(titles):
            rows = self.tail[titles[dense:] - len(self.head)][:, titles]
            found[dense:] = rows.toarray()
            found[dense:] /= WEIGHT_ONE * WEIGHT_ONE
        return found


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def fit(
    histories: Histories,
    limits: Limits,
    ridge: float,
    neighbours_max: int,
    progress: Progress = no_progress,
) -> NeighbourRows:
    """Fit EASE, whole or by neighbourhoods: a pure function of the histories, whatever their order.

    Args:
        histories: who watched what.
        limits: the number of titles decides the form.
        ridge: lambda, greater than 0.
        neighbours_max: weights kept a row.
        progress: called now and then while neighbourhoods are solved.
    """
    chosen = select_titles(histories, limits.titles)
    if len(chosen.title_ids) <= limits.dense_titles:
        return cowatch.fit(chosen, limits.dense_titles, ridge, neighbours_max)
    matrix = incidence(chosen)
    order = np.argsort(-np.diff(matrix.indptr), kind="stable")  # most viewers first, ties by id
    product = gram_of(matrix[:, order], limits)
    order = order[: product.titles]
    found = columns_of(product, matrix[:, order], np.arange(len(order)), limits, ridge, progress)
    weights = sparse.csr_matrix((found.values, (found.rows, found.columns)), [len(order)] * 2)
    by_id = np.argsort(order)
    ids = [chosen.title_ids[column] for column in np.sort(order).tolist()]
    return top_rows(sparse_rows(weights[by_id][:, by_id]), ids, neighbours_max)


class Columns(NamedTuple):
    """Positive entries of some columns of B."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Floats


def columns_of(
    product: Gram,
    matrix: sparse.csc_matrix,
    titles: NDArray[np.int64],
    limits: Limits,
    ridge: float,
    progress: Progress,
) -> Columns:
    """Return the columns of B of some titles, each fitted on its neighbourhood.

    Args:
        product: X'X.
        matrix: X, columns in the order of ``product``.
        titles: columns that are fitted.
        limits: says how many regressors.
        ridge: lambda, greater than 0.
        progress: called now and then.
    """
    near = top_rows(cosines(matrix, titles), [], limits.regressors)
    rows, values = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for found, weights in local_ease(product, titles, near, ridge, progress):
        rows.append(found)
        values.append(weights)
    columns = np.repeat(titles, [len(each) for each in rows[1:]])
    return Columns(np.concatenate(rows), columns, np.concatenate(values))


def gram_of(matrix: sparse.csc_matrix, limits: Limits) -> Gram:
    """Return X'X for X in hundredths, columns by falling number of viewers.

    It ends before the first title whose pairs do not fit into the limit any more.
    """
    head = gram(matrix[:, : limits.dense_titles])
    blocks, room = [], limits.pairs
    for start, block in products(matrix, np.arange(len(head), matrix.shape[1])):
        rows = sparse.tril(block, len(head) + start, format="csr")
        fitting = int(np.searchsorted(rows.indptr, room, side="right")) - 1
        blocks.append(rows[:fitting])
        room -= int(rows.indptr[fitting])
        if fitting < rows.shape[0]:
            break
    none = sparse.csr_matrix((0, matrix.shape[1]))
    return Gram(head, sparse.vstack([none, *blocks], format="csr"))


def local_ease(
    product: Gram,
    titles: NDArray[np.int64],
    near: NeighbourRows,
    ridge: float,
    progress: Progress,
) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Yield the column of B of each title: those in it with a positive weight, and these weights.

    The rows of ``near`` hold the regressors of ``titles``.
    """
    starts = near.starts.tolist()
    for done, title in enumerate(titles.tolist()):
        regressors = near.neighbours[starts[done] : starts[done + 1]]
        among = np.sort(np.append(regressors, title)).astype(np.int64)
        place = int(np.searchsorted(among, title))
        system = product.among(among)
        system.flat[:: len(among) + 1] += ridge
        unit = np.zeros(len(among))
        unit[place] = 1.0
        _, inverse, failed = lapack.dposv(system.T, unit, lower=0, overwrite_a=1, overwrite_b=1)
        if failed:
            raise ArithmeticError(f"X'X + {ridge} I is not positive definite (LAPACK {failed})")
        weights = inverse / -inverse[place]
        kept = np.round(weights, DECIMALS) > 0.0  # at the title itself it is -1
        yield among[kept], weights[kept]
        if done % PROGRESS_TITLES == 0:
            progress(done, len(titles))
