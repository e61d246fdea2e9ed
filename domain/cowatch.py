"""Co-watch: EASE^R (Steck 2019), closed-form item-item weights from viewer histories.

``B = -P / diag(P)`` with ``P = (X'X + lambda I)^-1`` and a zero diagonal; X holds one row per
viewer and one column per title. Weights of X are whole hundredths, so X'X is exact and does not
depend on the order of arrival. It is rebuilt from the histories for every fit: one sparse product
(0.4 s for 100,000 ratings), small beside the inverse, and it forgets an erased viewer by itself.
The dense inverse costs titles^3 operations and titles^2 * 8 bytes, so it is limited to the titles
with most viewers; ``domain.cowatch_sparse`` takes more. With fewer viewers than titles the same B
comes from a viewers^3 inverse (Woodbury): with ``Y = (X X' + lambda I)^-1 X`` it is
``B[j, i] = X[:, j] . Y[:, i] / (1 - X[:, i] . Y[:, i])``.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lapack

from domain.evidence import seen_of
from schemas.watch_state import WatchState

WEIGHT_ONE = 100  # weights are hundredths
ENGAGED_ONLY = 255  # watched or rated, but no evidence of liking it: weight 0 here
DECIMALS = 6  # of published weights: below this the inverse's rounding errors begin
GRAM_COLUMNS = 512  # columns of X'X computed at once: bounds the sparse intermediate

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Row = tuple[Integers, Floats]  # columns, each once, and their values


class Histories(NamedTuple):
    """Viewer histories as parallel arrays: one entry per (viewer, title) with weight > 0.

    ``viewers`` and ``titles`` are dense indices; ``title_ids[i]`` names column i. A weight is
    hundredths of evidence, or ``ENGAGED_ONLY``.
    """

    viewers: Integers
    titles: Integers
    weights: NDArray[np.uint8]
    title_ids: list[str]


class NeighbourRows(NamedTuple):
    """Top-K rows in CSR form: those of ``title_ids[i]`` are ``starts[i]:starts[i + 1]``."""

    title_ids: list[str]
    starts: NDArray[np.int64]
    neighbours: Integers
    weights: Floats


def watch_weight(state: WatchState) -> int:
    """Return how much a watch state says about taste, in hundredths (0: nothing).

    ``ENGAGED_ONLY``: watched or rated, but no evidence (``domain.evidence``).
    """
    seen = seen_of(state)
    weight = int(seen.evidence * WEIGHT_ONE)
    return weight if weight or not seen.engaged else ENGAGED_ONLY


def select_titles(histories: Histories, titles_max: int) -> Histories:
    """Keep the ``titles_max`` titles with most viewers (ties by id), columns sorted by id."""
    viewers = np.bincount(histories.titles, minlength=len(histories.title_ids))
    ids = np.array(histories.title_ids, dtype=object)
    order = sorted(np.flatnonzero(viewers), key=lambda i: (-viewers[i], ids[i]))
    chosen = sorted(order[:titles_max], key=lambda i: ids[i])
    column = np.full(len(ids), -1, dtype=np.int32)
    column[chosen] = np.arange(len(chosen), dtype=np.int32)
    kept = column[histories.titles] >= 0
    return Histories(
        viewers=histories.viewers[kept],
        titles=column[histories.titles[kept]],
        weights=histories.weights[kept],
        title_ids=[str(ids[i]) for i in chosen],
    )


def incidence(histories: Histories) -> sparse.csc_matrix:
    """Return X, viewers by titles, weights as whole hundredths.

    Viewers are put into an order that depends on what they watched alone, so that sums over them
    do not depend on who came first.
    """
    weights = np.where(histories.weights == ENGAGED_ONLY, 0, histories.weights).astype(np.float64)
    used = weights > 0
    viewers, titles = histories.viewers[used], histories.titles[used].astype(np.uint64)
    weights = weights[used]
    marks = _mixed(titles * np.uint64(WEIGHT_ONE + 1) + weights.astype(np.uint64))
    count = int(histories.viewers.max(initial=-1)) + 1
    sums = np.zeros(count, dtype=np.uint64)
    np.add.at(sums, viewers, marks)  # whole numbers that wrap around: in any order the same
    place = np.empty(count, dtype=np.int64)
    place[np.argsort(sums, kind="stable")] = np.arange(count)
    shape = (count, len(histories.title_ids))
    return sparse.csc_matrix((weights, (place[viewers], titles.astype(np.int64))), shape=shape)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble whole numbers (the finaliser of splitmix64), so that their sums tell sets apart."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def gram(matrix: sparse.csc_matrix) -> Floats:
    """Return X'X (weights as fractions of one) for X in hundredths, dense, column-major."""
    titles = matrix.shape[1]
    transposed = matrix.T.tocsr()
    result = np.empty((titles, titles), order="F")
    for start in range(0, titles, GRAM_COLUMNS):
        block = slice(start, start + GRAM_COLUMNS)
        result[:, block] = (transposed @ matrix[:, block]).toarray()
    result /= WEIGHT_ONE * WEIGHT_ONE
    return result


def ease_by_viewers(matrix: sparse.csc_matrix, ridge: float) -> Iterator[Floats]:
    """Yield blocks of rows of B for X in hundredths, by an inverse of the size of the viewers."""
    dense = matrix.toarray() / WEIGHT_ONE
    product = dense @ dense.T
    product.flat[:: len(product) + 1] += ridge
    solved = cho_solve(cho_factor(product, lower=True, overwrite_a=True), dense)
    scale = 1.0 / (1.0 - np.einsum("vi,vi->i", dense, solved))
    transposed = (matrix.T / WEIGHT_ONE).tocsr()
    for start in range(0, dense.shape[1], GRAM_COLUMNS):
        block: Floats = transposed[start : start + GRAM_COLUMNS] @ solved
        block *= scale
        rows = np.arange(len(block))
        block[rows, start + rows] = 0.0
        yield block


def ease(product: Floats, ridge: float) -> Floats:
    """Return B for X'X; ``product`` is used up (its memory becomes the result).

    Args:
        product: X'X in column-major order.
        ridge: lambda, greater than 0.

    Raises:
        ArithmeticError: the matrix is not positive definite.
    """
    diagonal = np.einsum("ii->i", product)
    diagonal += ridge
    factor, failed = lapack.dpotrf(product, lower=1, overwrite_a=1)
    if not failed:
        factor, failed = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError(f"X'X + {ridge} I is not positive definite (LAPACK {failed})")
    inverse: Floats = factor
    _mirror_lower(inverse)
    scale = -1.0 / np.diag(inverse)
    inverse *= scale[np.newaxis, :]
    np.fill_diagonal(inverse, 0.0)
    return inverse


def _mirror_lower(matrix: Floats) -> None:
    """Copy the lower triangle onto the upper one, block by block."""
    size = len(matrix)
    for start in range(0, size, GRAM_COLUMNS):
        end = min(start + GRAM_COLUMNS, size)
        matrix[start:end, end:] = matrix[end:, start:end].T
        square = matrix[start:end, start:end]
        square[:] = np.tril(square) + np.tril(square, -1).T


def dense_rows(blocks: Iterable[Floats]) -> Iterator[Row]:
    """Yield the rows of blocks that together have one row and one column a title."""
    for block in blocks:
        every = np.arange(block.shape[1], dtype=np.int32)
        for values in block:
            yield every, values


def sparse_rows(matrix: sparse.csr_matrix) -> Iterator[Row]:
    """Yield the rows of a matrix, without what it does not hold."""
    for start, end in pairwise(matrix.indptr.tolist()):
        yield matrix.indices[start:end], matrix.data[start:end]


def top_rows(rows: Iterable[Row], title_ids: list[str], neighbours_max: int) -> NeighbourRows:
    """Return the best positive weights of each row, ties by title id (columns are sorted by id)."""
    starts = [0]
    columns: list[Integers] = []
    values: list[Floats] = []
    for row_columns, row_values in rows:
        rounded = np.round(row_values, DECIMALS)
        best = _best(row_columns, rounded, neighbours_max)
        columns.append(row_columns[best])
        values.append(rounded[best])
        starts.append(starts[-1] + len(best))
    return NeighbourRows(
        title_ids=title_ids,
        starts=np.array(starts, dtype=np.int64),
        neighbours=np.concatenate([*columns, np.empty(0, dtype=np.int32)]),
        weights=np.concatenate([*values, np.empty(0)]),
    )


def _best(columns: Integers, values: Floats, count: int) -> NDArray[np.intp]:
    """Places of the ``count`` largest positive values, ties by column."""
    threshold = 0.0
    if len(values) > count:
        threshold = max(0.0, float(np.partition(values, len(values) - count)[len(values) - count]))
    found = np.flatnonzero((values >= threshold) & (values > 0.0))
    return found[np.lexsort((columns[found], -values[found]))][:count]


def fit(histories: Histories, titles_max: int, ridge: float, neighbours_max: int) -> NeighbourRows:
    """Fit the model whole: a pure function of the histories, whatever order they come in."""
    chosen = select_titles(histories, titles_max)
    if not chosen.title_ids:
        return top_rows([], [], neighbours_max)
    matrix = incidence(chosen)
    blocks: Iterable[Floats] = (
        ease_by_viewers(matrix, ridge) if matrix.shape[0] < matrix.shape[1]
        else [ease(gram(matrix), ridge)]
    )  # fmt: skip
    return top_rows(dense_rows(blocks), chosen.title_ids, neighbours_max)
