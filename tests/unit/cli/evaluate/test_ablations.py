"""Models without a source learn together what each learns alone from scores without that source."""

import numpy as np
import pytest

from cli.evaluate.ablations import Ablations
from domain.ranking.learner import Prediction
from domain.sources.registry import NAMES, first_model


def predictions(count: int) -> list[Prediction]:
    dice = np.random.default_rng(5)
    found = []
    for _ in range(count):
        matrix = dice.random((len(NAMES), 30)) * (dice.random((len(NAMES), 1)) < 0.8)
        column, evidence = int(dice.integers(30)), int(dice.integers(12))
        found.append(
            Prediction(0, np.arange(30), np.zeros(30), matrix, column, evidence),
        )
    return found


def test_all_together_are_one_by_one() -> None:
    together, alone = Ablations(), [first_model() for _ in NAMES]
    for prediction in predictions(40):
        scores = together.scores(prediction.matrix, prediction.evidence)
        for number, model in enumerate(alone):
            kept = prediction.matrix.copy()
            kept[number] = 0.0
            assert scores[number] == pytest.approx(model.factors(prediction.evidence) @ kept)
            model.take(model.lesson(kept, prediction.column, prediction.evidence))
        together.learn(prediction)
    for model, other in zip(together.models, alone, strict=True):
        assert model.weights == pytest.approx(other.weights)
        assert model.scales == pytest.approx(other.scales)
        assert model.learned == other.learned
