"""Co-watch: EASE^R (Steck 2019), closed-form item-item weights from viewer histories.

``B = -P / diag(P)`` with ``P = (X'X + lambda I)^-1`` and a zero diagonal; X holds one row per
viewer and one column per title. Weights of X are whole hundredths, so X'X is exact and does not
depend on the order of arrival. It is rebuilt from the histories for every fit: one sparse product
(0.4 s for 100,000 ratings), small beside the inverse, and it forgets an erased viewer by itself.
The dense inverse costs titles^3 operations and titles^2 * 8 bytes, so the model is limited to the
titles with most viewers.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.linalg import lapack

from schemas.watch_state import WatchState

WEIGHT_ONE = 100  # weights are hundredths
PROGRESS_MIN = 0.30  # less than this is no evidence of interest
LIKED_MIN = 4.0  # rating on a scale of 0-5
LOW_RATING_MAX = 2.5
DECIMALS = 6  # of published weights: below this the inverse's rounding errors begin
GRAM_COLUMNS = 512  # columns of X'X computed at once: bounds the sparse intermediate

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


class Histories(NamedTuple):
    """Viewer histories as parallel arrays: one entry per (viewer, title) with weight > 0.

    ``viewers`` and ``titles`` are dense indices; ``title_ids[i]`` names column i.
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

    Completed or liked is 1; a title the viewer dismissed, hid or rated low is 0; otherwise the
    progress, from ``PROGRESS_MIN`` on.
    """
    if state.dismissed or state.hidden:
        return 0
    if state.rating is not None and state.rating <= LOW_RATING_MAX:
        return 0
    if state.completions > 0 or state.completed:
        return WEIGHT_ONE
    if state.rating is not None and state.rating >= LIKED_MIN:
        return WEIGHT_ONE
    return int(state.progress * WEIGHT_ONE) if state.progress >= PROGRESS_MIN else 0


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


def gram(histories: Histories) -> Floats:
    """Return X'X (weights as fractions of one), dense, in column-major order."""
    titles = len(histories.title_ids)
    viewers = int(histories.viewers.max(initial=-1)) + 1
    entries = (histories.weights.astype(np.float64), (histories.viewers, histories.titles))
    matrix = sparse.csc_matrix(entries, shape=(viewers, titles))
    transposed = matrix.T.tocsr()
    result = np.empty((titles, titles), order="F")
    for start in range(0, titles, GRAM_COLUMNS):
        block = slice(start, start + GRAM_COLUMNS)
        result[:, block] = (transposed @ matrix[:, block]).toarray()
    result /= WEIGHT_ONE * WEIGHT_ONE
    return result


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


def top_rows(weights: Floats, title_ids: list[str], neighbours_max: int) -> NeighbourRows:
    """Return the best positive weights of each row, ties by title id (columns are sorted by id)."""
    starts = np.zeros(len(title_ids) + 1, dtype=np.int64)
    columns: list[Integers] = []
    values: list[Floats] = []
    for row in range(len(title_ids)):
        rounded = np.round(weights[row], DECIMALS)
        best = _best(rounded, neighbours_max)
        columns.append(best.astype(np.int32))
        values.append(rounded[best])
        starts[row + 1] = starts[row] + len(best)
    return NeighbourRows(
        title_ids=title_ids,
        starts=starts,
        neighbours=np.concatenate([*columns, np.empty(0, dtype=np.int32)]),
        weights=np.concatenate([*values, np.empty(0)]),
    )


def _best(row: Floats, count: int) -> NDArray[np.intp]:
    """Indices of the ``count`` largest positive values, ties by index."""
    threshold = 0.0
    if len(row) > count:
        threshold = max(0.0, float(np.partition(row, len(row) - count)[len(row) - count]))
    found = np.flatnonzero((row >= threshold) & (row > 0.0))
    return found[np.lexsort((found, -row[found]))][:count]


def fit(histories: Histories, titles_max: int, ridge: float, neighbours_max: int) -> NeighbourRows:
    """Fit the model: a pure function of the histories, whatever order they come in."""
    chosen = select_titles(histories, titles_max)
    if not chosen.title_ids:
        return top_rows(np.empty((0, 0)), [], neighbours_max)
    return top_rows(ease(gram(chosen), ridge), chosen.title_ids, neighbours_max)
