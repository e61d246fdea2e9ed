"""Metrics by hand."""

import math

import numpy as np
import pytest

from cli.evaluate.metrics import bootstrap, gain, ndcg, recall, top


def test_gain_of_one_title() -> None:
    assert gain(0) == 1.0
    assert gain(2) == 0.5
    assert gain(9) == pytest.approx(1 / math.log2(11))
    assert gain(10) == 0.0


def test_ndcg_and_recall_of_several() -> None:
    shown = [7, 3, 9, 4]
    found = ndcg(shown, {3, 4, 100})
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert ndcg([3], {3}) == 1.0
    assert recall(shown, {3, 4, 100}, 2) == pytest.approx(1 / 3)


def test_top_breaks_ties_by_column() -> None:
    assert top(np.array([0.2, 0.9, 0.9, 0.1, 0.9]), 2) == [1, 2]
    assert top(np.array([0.2, 0.9]), 5) == [1, 0]


def test_intervals_hold_the_truth_and_narrow_with_users() -> None:
    dice = np.random.default_rng(1)
    widths = []
    for users in (20, 2000):
        owners = np.repeat(np.arange(users), 5)
        base = dice.random(len(owners))
        (low, high), (ratio_low, ratio_high) = bootstrap(base * 1.5, base, owners)
        assert low < 0.5 * base.mean() < high
        assert ratio_low == pytest.approx(1.5)
        assert ratio_high == pytest.approx(1.5)
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_users_are_drawn_and_not_predictions() -> None:
    owners = np.repeat([0, 1], 500)  # two users who differ, each always the same
    values = np.where(owners == 0, 1.0, 0.0)
    (low, high), _ = bootstrap(values, np.full(1000, 0.5), owners)
    assert (low, high) == (-0.5, 0.5)


def test_how_users_are_numbered_does_not_matter() -> None:
    """Users without predictions have numbers too."""
    values, base = np.array([1.0, 0.5, 0.2]), np.array([0.5, 0.5, 0.1])
    few = bootstrap(values, base, np.array([0, 1, 1]))
    assert bootstrap(values, base, np.array([3, 90, 90])) == few
