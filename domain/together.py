"""Together: what is engaged with by those who engage with a title, liked or not.

EASE (``domain.cowatch``) with 1 for every title that a viewer watched or rated, whatever they
thought of it. There are several times as many such entries as likes, and choosing a title says
something by itself.
"""

import numpy as np

from domain import cowatch
from domain.cowatch import WEIGHT_ONE, Histories, NeighbourRows


def fit(histories: Histories, titles_max: int, ridge: float, neighbours_max: int) -> NeighbourRows:
    """Fit the model: a pure function of the histories, whatever order they come in."""
    engaged = histories._replace(weights=np.full_like(histories.weights, WEIGHT_ONE))
    return cowatch.fit(engaged, titles_max, ridge, neighbours_max)
