"""Together: what is engaged with by those who engage with a title, liked or not.

EASE (``domain.cowatch_sparse``) with 1 for every title that a viewer watched or rated, whatever
they thought of it. There are several times as many such entries as likes, and choosing a title says
something by itself.
"""

import numpy as np

from domain.cowatch import WEIGHT_ONE, Histories


def engaged(histories: Histories) -> Histories:
    """Return histories in which whatever was watched or rated counts as liked."""
    return histories._replace(weights=np.full_like(histories.weights, WEIGHT_ONE))
