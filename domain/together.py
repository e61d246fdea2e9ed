"""Together: what is engaged with by those who engage with a title, liked or not.

EASE (``domain.cowatch_sparse``) with 1 for every title that a viewer watched or rated, whatever
they thought of it. There are several times as many such entries as likes, and choosing a title says
something by itself.
"""

import numpy as np

from domain import cowatch_sparse
from domain.cowatch import WEIGHT_ONE, Histories, NeighbourRows
from domain.cowatch_sparse import Limits, Progress, no_progress


def fit(
    histories: Histories,
    limits: Limits,
    ridge: float,
    neighbours_max: int,
    progress: Progress = no_progress,
) -> NeighbourRows:
    """Fit the model: a pure function of the histories, whatever order they come in."""
    engaged = histories._replace(weights=np.full_like(histories.weights, WEIGHT_ONE))
    return cowatch_sparse.fit(engaged, limits, ridge, neighbours_max, progress)
