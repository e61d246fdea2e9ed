"""The value model without one source, for each source: learned beside the whole one.

All of them in one matrix product: one by one they would take as long as everything else.
"""

import numpy as np

from domain.ranking.history import Floats
from domain.ranking.learner import Prediction
from domain.ranking.value_model import Lesson, ValueModel, blend_of
from domain.sources.registry import NAMES, first_model


class Ablations:
    """One model for each source, which it does not have."""

    def __init__(self) -> None:
        self.models: list[ValueModel] = [first_model() for _ in NAMES]

    def scores(self, matrix: Floats, evidence: int) -> Floats:
        """Return the scores of every model, shape (models, candidates).

        Args:
            matrix: 0-1 scores, one row a source, one column a candidate.
            evidence: titles known of the viewer.
        """
        factors = np.stack([model.factors(evidence) for model in self.models])
        np.fill_diagonal(factors, 0.0)
        found: Floats = factors @ matrix
        return found

    def learn(self, prediction: Prediction) -> None:
        """Let every model learn from a prediction of a liked title: ``ValueModel.lesson``."""
        matrix, liked, evidence = prediction.matrix, prediction.column, prediction.evidence
        odds = self.scores(matrix, evidence)
        odds -= odds.max(axis=1, keepdims=True)
        np.exp(odds, out=odds)
        odds /= odds.sum(axis=1, keepdims=True)
        excess, largest = odds @ matrix.T - matrix[:, liked], matrix.max(axis=1)
        np.fill_diagonal(excess, 0.0)
        shares = np.array([1.0 - blend_of(evidence), blend_of(evidence)])
        for number, model in enumerate(self.models):
            there = largest.copy()
            there[number] = 0.0
            model.take(Lesson(shares, excess[number], there, float(odds[number, liked])))
