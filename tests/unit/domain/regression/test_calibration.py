"""Calibration error and Platt's line against numbers worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.regression.calibration import (
    area_under_curve,
    calibration_error,
    fit_platt,
    log_loss,
)
from domain.regression.logit import sigmoid


def test_one_row_a_bin_is_the_mean_distance() -> None:
    probabilities = np.array([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
    labels = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    # 0.05 + 0.15 + 0.25 + 0.35 + 0.45 on either side, over ten rows.
    assert calibration_error(probabilities, labels) == pytest.approx(0.25)


def test_two_rows_a_bin_cancel_within_their_bin_only() -> None:
    probabilities = np.repeat(np.arange(1, 11) / 20, 2)
    labels = np.tile([0.0, 1.0], 10)  # mean 0.5 in each bin
    assert calibration_error(probabilities, labels) == pytest.approx(np.mean(0.5 - probabilities))


def test_the_same_probability_shares_its_labels_however_the_rows_are_ordered() -> None:
    probabilities, labels = np.full(40, 0.5), np.repeat([0.0, 1.0], 20)
    assert calibration_error(probabilities, labels) == 0.0
    assert calibration_error(probabilities, np.ones(40)) == 0.5


def test_no_rows_have_no_calibration_error() -> None:
    with pytest.raises(ValueError, match="no rows"):
        calibration_error(np.empty(0), np.empty(0))


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1), st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    errors = [
        calibration_error(
            np.array([tenths / 10 for tenths, _ in some]), np.array([float(y) for _, y in some])
        )
        for some in (rows, shuffled)
    ]
    assert errors[0] == pytest.approx(errors[1], abs=1e-12)
    assert 0 <= errors[0] <= 1


def test_log_loss_by_hand() -> None:
    loss = log_loss(np.array([0.5, 0.8]), np.array([0.0, 1.0]))
    assert loss == pytest.approx((np.log(2) + np.log(1.25)) / 2)


def test_platt_finds_the_line_that_made_the_labels() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=40_000)
    labels = (rng.random(40_000) < sigmoid(-0.5 + 0.4 * logits)).astype(float)
    platt = fit_platt(logits, labels)
    assert platt is not None
    assert platt.shift == pytest.approx(-0.5, abs=0.05)
    assert platt.slope == pytest.approx(0.4, abs=0.05)
    before = calibration_error(sigmoid(logits), labels)
    assert calibration_error(sigmoid(platt.straighten(logits)), labels) < 0.02 < before


def test_a_falling_line_is_refused() -> None:
    logits = np.linspace(-2, 2, 100)
    labels = (np.arange(100) % 3 == 0) | (logits < -1)
    assert fit_platt(logits, labels.astype(float)) is None


def test_the_area_is_the_share_of_pairs_in_order_ties_counting_half() -> None:
    labels = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    probabilities = np.array([0.9, 0.1, 0.5, 0.5, 0.2])
    pairs = [(p, q) for p in probabilities[labels == 1] for q in probabilities[labels == 0]]
    expected = sum((p > q) + 0.5 * (p == q) for p, q in pairs) / len(pairs)
    assert area_under_curve(probabilities, labels) == pytest.approx(expected)
    assert area_under_curve(labels, labels) == 1.0
    assert area_under_curve(1 - labels, labels) == 0.0
    with pytest.raises(ValueError, match="all labels are the same"):
        area_under_curve(probabilities, np.ones(5))
