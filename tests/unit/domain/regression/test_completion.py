"""The completion model against numbers by hand, statsmodels, and data that break a plain fit."""

import math
import pickle

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.regression.completion import SCORE_PENALTY, fit_calibrated, fit_completion
from domain.regression.logit import LogitModel, sigmoid


def drawn(rows: int, seed: int = 1):
    """Three regressors of very different scale, and labels from a known equation."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack(
        [rng.normal(5, 2, rows), rng.normal(0, 1e-3, rows), rng.normal(1e4, 300, rows)]
    )
    logits = -34.5 + 0.3 * matrix[:, 0] + 400 * matrix[:, 1] + 3.3e-3 * matrix[:, 2]
    return matrix, (rng.random(rows) < sigmoid(logits)).astype(float)


NAMES = ("a", "b", "c")


def test_a_binary_regressor_gives_the_log_odds_ratio() -> None:
    # Completed: 30 of 90 with the flag off, 60 of 80 with it on.
    flag = np.repeat([0.0, 1.0], [90, 80])
    labels = np.concatenate([np.repeat([1.0, 0.0], [30, 60]), np.repeat([1.0, 0.0], [60, 20])])
    fit = fit_completion(["flag"], flag[:, None], labels)
    assert fit.model.intercept == pytest.approx(math.log(30 / 60))
    assert fit.model.coefficients[0] == pytest.approx(math.log((60 / 20) / (30 / 60)))
    # Woolf's standard errors of a 2 x 2 table.
    assert fit.standard_errors == pytest.approx(
        [math.sqrt(1 / 30 + 1 / 60), math.sqrt(1 / 30 + 1 / 60 + 1 / 60 + 1 / 20)]
    )
    assert fit.model.predict(np.array([[0.0], [1.0]])) == pytest.approx([30 / 90, 60 / 80])
    expected = 30 * math.log(1 / 3) + 60 * math.log(2 / 3) + 60 * math.log(0.75)
    assert fit.log_likelihood == pytest.approx(expected + 20 * math.log(0.25))
    assert fit.calibration_error == pytest.approx(0, abs=1e-9)
    assert (fit.converged, fit.notes, fit.held_out, fit.rows) == (True, (), False, 170)


def test_it_is_the_glm_of_statsmodels() -> None:
    matrix, labels = drawn(3000)
    weights = np.random.default_rng(2).integers(1, 4, 3000).astype(float)
    fit = fit_completion(NAMES, matrix, labels, weights)
    scale = np.array([1, 1e3, 1e-2])  # of the regressors: statsmodels' pinv needs them alike
    told = sm.GLM(
        labels, sm.add_constant(matrix * scale), sm.families.Binomial(), freq_weights=weights
    ).fit()
    back = np.concatenate([[1], scale])
    assert np.r_[fit.model.intercept, fit.model.coefficients] == pytest.approx(told.params * back)
    assert fit.standard_errors == pytest.approx(told.bse * back)
    assert fit.z == pytest.approx(told.tvalues)
    assert fit.log_likelihood == pytest.approx(told.llf)
    assert fit.deviance == pytest.approx(told.deviance)
    deviations = np.sqrt(np.cov(matrix.T, fweights=weights.astype(int), ddof=0).diagonal())
    assert fit.standardised[1:] == pytest.approx(fit.model.coefficients * deviations)


def test_a_weight_counts_like_repeated_rows() -> None:
    matrix, labels = drawn(400)
    weights = np.tile([1.0, 2.0], 200)
    repeated = np.repeat(np.arange(400), weights.astype(int))
    weighted = fit_completion(NAMES, matrix, labels, weights)
    whole = fit_completion(NAMES, matrix[repeated], labels[repeated])
    assert weighted.model.coefficients == pytest.approx(whole.model.coefficients)
    assert weighted.standard_errors == pytest.approx(whole.standard_errors)


@settings(max_examples=20)
@given(
    st.permutations(range(300)),
    st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3),
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
)
def test_order_of_rows_and_scale_of_columns_do_not_matter(order, scale, shift) -> None:
    matrix, labels = drawn(300)
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    plain = fit_completion(NAMES, matrix, labels)
    moved = matrix * scale + shift
    other = fit_completion(NAMES, moved[order], labels[order])
    assert other.model.predict(moved) == pytest.approx(plain.model.predict(matrix), abs=1e-8)
    assert other.model.coefficients * scale == pytest.approx(plain.model.coefficients, rel=1e-6)
    assert other.z[1:] == pytest.approx(plain.z[1:], rel=1e-6)


def test_a_regressor_of_tiny_numbers_is_not_constant() -> None:
    matrix, labels = drawn(500)
    fit = fit_completion(["a"], matrix[:, :1] * 1e-15, labels)
    assert fit.notes == ()


def test_constant_and_dependent_columns_are_dropped_and_named() -> None:
    matrix, labels = drawn(2000)
    more = np.column_stack(
        [matrix, np.full(2000, 7.0), -3 * matrix[:, 0], matrix[:, 0] + 1e3 * matrix[:, 1]]
    )
    fit = fit_completion((*NAMES, "constant", "double", "sum"), more, labels)
    assert fit.notes == (
        "dropped constant: constant",
        "dropped double: follows from the regressors before it",
        "dropped sum: follows from the regressors before it",
    )
    assert fit.model.coefficients[3:].tolist() == [0, 0, 0]
    assert np.isnan(fit.standard_errors[4:]).all()
    plain = fit_completion(NAMES, matrix, labels)
    assert fit.model.predict(more) == pytest.approx(plain.model.predict(matrix))


def separated_data():
    x = np.linspace(-1, 1, 200)
    rare = (np.arange(2000) % 50 == 0).astype(float)
    coin = (np.arange(2000) * 7919 % 13 < 6).astype(float)
    return [
        pytest.param(x, (x > 0).astype(float), id="perfectly"),
        pytest.param(rare, np.where(rare > 0, 1.0, coin), id="a rare flag always completes"),
    ]


@pytest.mark.parametrize(("x", "labels"), separated_data())
def test_separated_outcomes_get_the_ridge_fit(x, labels) -> None:
    fit = fit_completion(["x"], x[:, None], labels)
    assert fit.converged
    assert any(note.startswith("ridge 1") for note in fit.notes)
    # Where the penalised likelihood is largest its slope is 0: X'(y - p) = coefficient.
    residuals = labels - fit.model.predict(x[:, None])
    scaled = (x - x.mean()) / x.std()
    assert scaled @ residuals == pytest.approx(fit.standardised[1], abs=1e-4)
    assert residuals.sum() == pytest.approx(0, abs=1e-4)
    p = fit.model.predict(x[:, None])
    exog = np.column_stack([np.ones_like(x), scaled])
    information = exog.T @ (exog * (p * (1 - p))[:, None]) + np.diag([0, 1])
    expected = math.sqrt(np.linalg.inv(information)[1, 1]) / x.std()
    assert fit.standard_errors[1] == pytest.approx(expected, rel=1e-3)


@settings(max_examples=40)
@given(
    st.integers(1, 400), st.integers(0, 2**32 - 1), st.sampled_from([1e-12, 1.0, 1e12]),
    st.sampled_from([0.0, 0.02, 0.5, 1.0]), st.booleans(),
)  # fmt: skip
def test_whatever_is_finite_gets_a_usable_model(rows, seed, scale, share, separated) -> None:
    rng = np.random.default_rng(seed)
    heavy, flag = rng.standard_cauchy(rows) * scale, (rng.random(rows) < 0.05).astype(float)
    matrix = np.column_stack([heavy, flag, heavy - 3 * scale])
    labels = (heavy > 0 if separated else rng.random(rows) < share).astype(float)
    fit = fit_completion(NAMES, matrix, labels)
    assert fit.converged
    assert np.isfinite(fit.model.coefficients).all()
    p = fit.model.predict(matrix)
    assert ((p > 0) & (p < 1)).all()
    assert fit.log_loss <= math.log(2) + 1e-9  # never worse than saying 1/2


def test_a_strong_but_sure_regressor_is_no_separation() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=5000)
    labels = (rng.random(5000) < sigmoid(6 * x)).astype(float)
    fit = fit_completion(["x"], x[:, None], labels)
    assert fit.notes == ()
    assert fit.model.coefficients[0] == pytest.approx(6, abs=0.6)


@pytest.mark.parametrize(("completed", "rows"), [(0, 1), (3, 4), (19, 1000), (50, 50)])
def test_few_outcomes_give_a_shrunk_share(completed, rows) -> None:
    labels = (np.arange(rows) < completed).astype(float)
    matrix = np.random.default_rng(0).normal(size=(rows, 1))
    fit = fit_completion(["x"], matrix, labels)
    share = (completed + 1) / (rows + 2)
    assert fit.model.predict(np.array([[9.0]])) == pytest.approx([share])
    assert fit.model.coefficients[0] == 0
    assert fit.standard_errors[0] == pytest.approx(1 / math.sqrt((rows + 2) * share * (1 - share)))
    assert "intercept only" in fit.notes[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": np.array([[1.0, 2.0], [np.nan, 1.0]])}, "a is nan in row 1"),
        ({"matrix": np.array([[1.0, np.inf], [0.0, 1.0]])}, "b is inf in row 0"),
        ({"matrix": np.ones((3, 2))}, "shape"),
        ({"matrix": np.ones((0, 2)), "labels": np.empty(0)}, "no rows"),
        ({"labels": np.array([0.0, 0.5])}, "labels are 0 or 1"),
        ({"labels": np.array([0.0, np.nan])}, "labels are 0 or 1"),
        ({"weights": np.array([0.0, 1.0])}, "weights are finite"),
        ({"weights": np.array([1.0])}, "1 weights"),
        ({"names": ["a", "a"]}, "not distinct"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(change, message) -> None:
    given = {"names": ["a", "b"], "matrix": np.eye(2), "labels": np.array([0.0, 1.0])} | change
    with pytest.raises(ValueError, match=message):
        fit_completion(**given)


def test_scores_of_sources_have_a_prior_and_other_regressors_none() -> None:
    matrix, labels = drawn(3000)
    names = ("a", "score_b", "score_c")
    fit = fit_completion(names, matrix, labels)
    scaled = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    miss = labels - sigmoid(scaled @ fit.standardised[1:] + fit.standardised[0])
    # At the maximum the slope of the likelihood is that of the penalty.
    assert scaled.T @ miss == pytest.approx(
        SCORE_PENALTY * np.array([0, 1, 1]) * fit.standardised[1:], abs=1e-3
    )
    assert miss.sum() == pytest.approx(0, abs=1e-3)
    assert fit.notes == ("prior 300 on standardised source scores",)
    plain = fit_completion(NAMES, matrix, labels)
    assert (fit.standard_errors[2:] < plain.standard_errors[2:]).all()
    assert (fit.standardised[2:] / plain.standardised[2:] > 0.5).all()
    assert (fit.standardised[2:] / plain.standardised[2:] < 0.9).all()


def test_the_prior_is_lost_in_many_rows() -> None:
    matrix, labels = drawn(100_000)
    fit = fit_completion(("a", "score_b", "score_c"), matrix, labels)
    plain = fit_completion(NAMES, matrix, labels)
    assert fit.model.coefficients == pytest.approx(plain.model.coefficients, rel=0.03)


def test_a_score_that_separates_is_held_by_its_prior_and_a_regressor_by_the_ridge() -> None:
    matrix, labels = drawn(500)
    separating = np.column_stack([matrix, labels])
    by_score = fit_completion((*NAMES, "score_d"), separating, labels)
    assert by_score.notes == ("prior 300 on standardised source scores",)
    assert by_score.converged
    assert 0 < by_score.standardised[4] < 3
    by_other = fit_completion(("a", "b", "score_c", "d"), separating, labels)
    assert by_other.notes[0] == "prior 300 on standardised source scores"
    assert by_other.notes[1].startswith("ridge 1 on standardised coefficients")
    assert np.isfinite(by_other.standard_errors).all()


def test_terms_add_up_to_the_logit_exactly() -> None:
    matrix, labels = drawn(500)
    model = fit_completion(NAMES, matrix, labels).model
    for row, logit in zip(matrix, model.logits(matrix), strict=True):
        assert model.intercept + model.terms(row).sum() == logit


def test_probabilities_stay_inside_0_and_1() -> None:
    model = LogitModel(("x",), 0.0, np.array([1.0]))
    low, high = model.predict(np.array([[-1e9], [1e9]]))
    assert 0 < low < 1e-12
    assert 1 - 1e-12 < high < 1
    assert model.rescaled(1.0, 2.0).logits(np.array([[3.0]])).tolist() == [7.0]


def test_a_fit_travels_between_processes() -> None:
    matrix, labels = drawn(500)
    fit = fit_calibrated(NAMES, matrix, labels)
    again = pickle.loads(pickle.dumps(fit))
    assert again.model.predict(matrix).tolist() == fit.model.predict(matrix).tolist()


def drifting(rows: int, weak: slice):
    """One regressor, which means a third as much in the rows ``weak``: overconfident there."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=rows)
    strength = np.full(rows, 3.0)
    strength[weak] = 1.0
    return x[:, None], (rng.random(rows) < sigmoid(strength * x)).astype(float)


def test_logits_are_straightened_when_rows_that_were_kept_apart_say_so() -> None:
    matrix, labels = drifting(10_000, slice(5500, None))
    fit = fit_calibrated(["x"], matrix, labels)
    plain = fit_completion(["x"], matrix[:6000], labels[:6000])
    last = slice(8000, None)
    before = plain.model.predict(matrix[last])
    assert fit.held_out
    assert fit.notes[-1].startswith("straightened")
    assert fit.calibration_error < 0.03 < 0.1 < np.abs(before - sigmoid(matrix[last, 0])).mean()
    whole = fit_completion(["x"], matrix, labels)
    slope = fit.model.coefficients[0] / whole.model.coefficients[0]
    assert 0.3 < slope < 0.6
    assert fit.standard_errors[1] == pytest.approx(slope * whole.standard_errors[1])
    assert fit.z[1] == pytest.approx(whole.z[1])
    assert fit.standardised[1] == pytest.approx(slope * whole.standardised[1])


def test_a_line_that_does_not_help_later_rows_is_not_used() -> None:
    matrix, labels = drifting(10_000, slice(6000, 8000))
    fit = fit_calibrated(["x"], matrix, labels)
    whole = fit_completion(["x"], matrix, labels)
    assert fit.notes == ()
    assert fit.model.coefficients.tolist() == whole.model.coefficients.tolist()
    past = fit_completion(["x"], matrix[:6000], labels[:6000])
    p, judged = past.model.predict(matrix[8000:]), labels[8000:]
    assert fit.log_loss == pytest.approx(-np.log(np.where(judged, p, 1 - p)).mean())


def test_the_line_of_a_model_made_otherwise_is_not_used() -> None:
    # The first 60 % hold too few completions for a slope, all rows hold enough.
    x = np.random.default_rng(7).normal(size=5000)
    labels = np.zeros(5000)
    labels[:3000:200] = 1
    labels[3000:] = x[3000:] > 0.5
    fit = fit_calibrated(["x"], x[:, None], labels)
    assert fit.held_out
    assert fit.model.coefficients.tolist() == (
        fit_completion(["x"], x[:, None], labels).model.coefficients.tolist()
    )


def test_the_future_of_the_judged_rows_is_not_learned() -> None:
    matrix, labels = drifting(4000, slice(2200, None))
    fit = fit_calibrated(["x"], matrix, labels)
    flipped = labels.copy()
    flipped[3200:] = 1 - flipped[3200:]
    other = fit_calibrated(["x"], matrix, flipped)
    assert other.calibration_error > fit.calibration_error + 0.2
