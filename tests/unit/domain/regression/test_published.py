"""What is published of a fit is enough to predict with."""

import numpy as np
import pytest

from domain.regression.completion import fit_completion
from domain.regression.logit import sigmoid
from domain.regression.published import features_of, model_of, report_of
from schemas.codec import decode, encode
from schemas.model_report import ModelReport
from tests.unit.domain.regression.builders import finished, packed, state


def test_a_report_gives_back_the_model() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(800, 2))
    labels = (rng.random(800) < sigmoid(matrix[:, 0] - 0.2)).astype(float)
    matrix = np.column_stack([matrix, np.ones(800)])
    fit = fit_completion(["a", "b", "c"], matrix, labels)
    report = decode(ModelReport, encode(report_of("test", 7, fit, 123, 0.25)))
    assert model_of(report).names == ("a", "b", "c")
    assert model_of(report).predict(matrix) == pytest.approx(fit.model.predict(matrix), abs=1e-5)
    assert [each.standard_error is None for each in report.coefficients] == [
        False, False, False, True,
    ]  # fmt: skip
    assert report.note == "dropped c: constant; measured on the fitted rows: too few"
    assert report.metrics["deviance"] == pytest.approx(-2 * report.metrics["log_likelihood"], 1e-5)


def test_a_report_without_intercept_is_refused() -> None:
    report = ModelReport(
        name="x", version=0, fitted_at_ms=0, fit_seconds=0, rows=1, converged=True, equation="",
        coefficients=({"name": "a", "value": 1.0},), metrics={},
    )  # fmt: skip
    with pytest.raises(ValueError, match="the first coefficient is a"):
        model_of(report)


def test_features_are_rounded_and_leave_out_what_is_not_known() -> None:
    starts = packed(finished("u", "a", 0), finished("v", "a", 1), state("w", "a", 2))
    (row,) = features_of(5, starts)
    assert (row.completion_rate, row.completion_rate_low) == (0.6667, 0.2077)
    assert (row.starts, row.completions, row.version) == (3, 2, 5)
    assert row.progress_slope_per_day is None
    assert b"slope" not in encode(row)
