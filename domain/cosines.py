"""Cosines between the columns of a sparse matrix: which titles the same viewers engage with.

``w[j, i] = x_j . x_i / (|x_j| |x_i|)`` (Sarwar et al. 2001, item-based collaborative filtering). It
costs the sum over viewers of the square of their titles.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sparse

from domain.cowatch import Row, sparse_rows

BLOCK_CELLS = 1 << 23  # of a product at once: at most 100 MB


def cosines(matrix: sparse.csc_matrix) -> Iterator[Row]:
    """Yield, for each column, the others that share a row with it and their cosines, 0-1."""
    squares = np.asarray(matrix.power(2).sum(axis=0)).ravel()
    scale = 1.0 / np.sqrt(np.maximum(squares, 1.0))
    for start, block in products(matrix):
        rows = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
        block.data *= scale[rows]
        block.data *= scale[block.indices]
        block.data[rows == block.indices] = 0.0
        yield from sparse_rows(block)


def products(matrix: sparse.csc_matrix, first: int = 0) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Yield the rows of X'X from ``first`` on in blocks, each with the number of its first row."""
    by_column, by_row = matrix.T.tocsr(), matrix.tocsr()
    titles = matrix.shape[1]
    step = max(1, BLOCK_CELLS // max(1, titles))
    for start in range(first, titles, step):
        yield start, by_column[start : start + step] @ by_row
