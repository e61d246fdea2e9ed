"""Exploration: places, upper confidence bounds and choices, by hand."""

import math

import numpy as np
import pytest

from domain.ranking.budget import places
from domain.ranking.exploration import FIT_FLOOR, VIEWERS_MAX, Shown, choose, upper_bounds
from tests.support.ranking import side_of, title


@pytest.mark.parametrize(
    ("size", "budget", "expected"),
    [
        (20, 0.1, [9, 19]),
        (10, 0.25, [3, 7]),
        (5, 0.1, []),
        (3, 1.0, [0, 1, 2]),
        (20, 0.0, []),
    ],
)
def test_places(size: int, budget: float, expected: list[int]) -> None:
    assert places(size, budget) == expected


def test_upper_bounds_by_hand() -> None:
    of = side_of(map(title, "abcd"))
    for name, viewers, likes in (("b", 1, 1), ("c", 9, 0), ("d", VIEWERS_MAX, 10)):
        of.statistics.add(of.index[name], 0, int(viewers), likes)
    bounds = upper_bounds(of).tolist()
    assert bounds[0] == pytest.approx(1 / 2 + math.sqrt(1 / (4 * 3)))
    assert bounds[1] == pytest.approx(2 / 3 + math.sqrt(2 / (9 * 4)))
    assert bounds[2] == pytest.approx(1 / 11 + math.sqrt(10 / (121 * 12)))
    assert bounds[3] == 0.0  # enough is known


def test_more_likes_never_lower_a_bound_and_it_is_at_most_one() -> None:
    of = side_of(map(title, "abcdefghij"))
    for likes, name in enumerate("abcdefghij"):
        of.statistics.add(of.index[name], 0, 9, likes)
    bounds = upper_bounds(of)
    assert (np.diff(bounds) > 0.0).all()
    assert bounds.max() <= 1.0


def test_the_best_by_bound_and_fit_are_chosen_ties_by_content_id() -> None:
    id_order = np.array([3, 2, 1, 0, 4])  # titles 0-4 are d, c, b, a, e
    of = Shown(np.ones(5, dtype=bool), np.array([4]))

    def chosen(bounds: list[float], own: list[float], count: int) -> list[int]:
        return choose(id_order, np.array(bounds), np.array(own), of, count).tolist()

    even, nothing = [0.8] * 5, [0.0] * 5
    assert chosen(even, nothing, 3) == [3, 2, 1]
    assert chosen(even, [0.0, 7.0, 0.0, 0.0, 9.0], 2) == [1, 3]
    assert chosen([0.9, 0.8, 0.8, 0.1, 1.0], nothing, 4) == [0, 2, 1, 3]
    assert chosen([0.9, 0.8, 0.0, 0.1, 1.0], nothing, 4) == [0, 1, 3]  # enough is known of b
    # A title that nothing speaks for is explored last, not never.
    assert FIT_FLOOR * 0.9 < 0.8 * 0.5
    assert chosen([0.9, 0.8, 0.8, 0.8, 1.0], [0.0, 0.5, 0.5, 0.5, 1.0], 4)[-1] == 0
    nobody = Shown(np.ones(0, dtype=bool), np.arange(0))
    assert choose(np.arange(0), np.empty(0), np.empty(0), nobody, 2).tolist() == []
