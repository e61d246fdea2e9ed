"""Cosines between the columns of a sparse matrix: which titles the same viewers engage with.

``w[j, i] = x_j . x_i / (|x_j| |x_i|)`` (Sarwar et al. 2001, item-based collaborative filtering). It
costs the sum over viewers of the square of their titles.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from domain.cowatch import Row, sparse_rows

BLOCK_CELLS = 1 << 23  # of a product at once: at most 100 MB


def cosines(matrix: sparse.csc_matrix, columns: NDArray[np.int64]) -> Iterator[Row]:
    """Yield, for some columns, the others that share a row with them and their cosines, 0-1."""
    squares = np.asarray(matrix.power(2).sum(axis=0)).ravel()
    scale = 1.0 / np.sqrt(np.maximum(squares, 1.0))
    for start, block in products(matrix, columns):
        rows = np.repeat(columns[start : start + block.shape[0]], np.diff(block.indptr))
        block.data *= scale[rows]
        block.data *= scale[block.indices]
        block.data[rows == block.indices] = 0.0
        yield from sparse_rows(block)


def products(
    matrix: sparse.csc_matrix, columns: NDArray[np.int64]
) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Yield the rows of X'X of some columns in blocks, each with the place of its first one."""
    by_column, by_row = matrix[:, columns].T.tocsr(), matrix.tocsr()
    step = max(1, BLOCK_CELLS // max(1, matrix.shape[1]))
    for start in range(0, len(columns), step):
        yield start, by_column[start : start + step] @ by_row
