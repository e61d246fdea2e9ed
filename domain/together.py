"""Together: which titles the same viewers engage with, as cosines between titles.

``w[j, i] = n_ij / sqrt(n_i * n_j)`` with n_ij viewers who engaged with both (Sarwar et al. 2001,
item-based collaborative filtering, on binary data). The counts are whole numbers, so the rows are a
function of the histories, whatever order they come in. Rebuilt for every fit: one sparse product
that costs the sum over viewers of the square of their titles.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sparse

from domain.cowatch import GRAM_COLUMNS, Floats, Histories, NeighbourRows, select_titles, top_rows


def fit(histories: Histories, titles_max: int, neighbours_max: int) -> NeighbourRows:
    """Return the strongest cosines of each of the ``titles_max`` titles with most viewers."""
    chosen = select_titles(histories, titles_max)
    return top_rows(_blocks(chosen), chosen.title_ids, neighbours_max)


def _blocks(histories: Histories) -> Iterator[Floats]:
    count = len(histories.title_ids)
    viewers = int(histories.viewers.max(initial=-1)) + 1
    entries = (np.ones(len(histories.viewers)), (histories.viewers, histories.titles))
    matrix = sparse.csc_matrix(entries, shape=(viewers, count))
    transposed = matrix.T.tocsr()
    scale = 1.0 / np.sqrt(np.maximum(np.asarray(matrix.sum(axis=0)).ravel(), 1.0))
    for start in range(0, count, GRAM_COLUMNS):
        block: Floats = (transposed[start : start + GRAM_COLUMNS] @ matrix).toarray()
        block *= scale[start : start + len(block), np.newaxis]
        block *= scale
        rows = np.arange(len(block))
        block[rows, start + rows] = 0.0
        yield block
