"""Prediction before learning, on drawn rows and on MovieLens."""

import numpy as np
import pytest

from domain.regression.calibration import calibration_error
from domain.regression.completion import fit_completion
from domain.regression.logit import sigmoid
from domain.regression.prequential import evaluate
from domain.regression.regressors import design_of
from domain.regression.start_store import StartStore
from domain.regression.starts import decided, decided_at_ms, labels_of, start_of
from tests.support.movielens import needs_movielens, watch_states


def drawn(rows: int = 1000):
    rng = np.random.default_rng(8)
    x = rng.normal(size=rows)
    return x[:, None], (rng.random(rows) < sigmoid(x)).astype(float), np.arange(rows)


def test_each_block_is_predicted_by_a_fit_of_what_was_known() -> None:
    matrix, labels, at = drawn()
    found = evaluate(["x"], matrix, labels, at, at + 49, 300)
    assert found.first == 300
    expected = [
        fit_completion(["x"], matrix[: begin - 49], labels[: begin - 49]).model.predict(
            matrix[begin : begin + 300]
        )
        for begin in (300, 600, 900)
    ]
    assert found.predictions.tolist() == np.concatenate(expected).tolist()
    assert found.calibration_error == calibration_error(found.predictions, labels[300:])


def test_a_changed_future_changes_no_earlier_prediction() -> None:
    matrix, labels, at = drawn()
    changed = labels.copy()
    changed[600:] = 1 - changed[600:]
    one = evaluate(["x"], matrix, labels, at, at, 200)
    other = evaluate(["x"], matrix, changed, at, at, 200)
    assert one.predictions[:400].tolist() == other.predictions[:400].tolist()
    assert one.predictions[600:].tolist() != other.predictions[600:].tolist()


def test_rows_out_of_order_are_refused() -> None:
    matrix, labels, at = drawn()
    with pytest.raises(ValueError, match="order of time"):
        evaluate(["x"], matrix, labels, at[::-1], at[::-1], 200)


@needs_movielens
def test_completion_is_calibrated_on_movielens(record_property) -> None:
    """Ratings decide how much was watched and are no regressor; a label is known a day later."""
    store = StartStore()
    for state in watch_states():
        store.put(state.user_id, state.content_id, start_of(state))
    starts = store.starts()
    names, matrix = design_of(starts)
    kept, labels = decided(starts), labels_of(starts)
    found = evaluate(
        names, matrix[kept], labels[kept], starts.rows["started_at_ms"][kept],
        decided_at_ms(starts)[kept], 10_000,
    )  # fmt: skip
    record_property("ece", found.calibration_error)
    record_property("log_loss", found.log_loss)
    share = labels[kept][found.first :].mean()
    chance = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert found.calibration_error <= 0.03
    assert found.log_loss <= 0.9 * chance  # calibrated, and not by saying the mean to everybody
