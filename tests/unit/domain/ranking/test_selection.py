"""The best of many scores are those of a full sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ranking.selection import DECIMALS, best, best_among


@given(
    st.integers(0, 500), st.integers(0, 20), st.sampled_from([2, 50, 10_000]), st.integers(0, 999),
)  # fmt: skip
def test_the_best_are_those_of_a_full_sort(length: int, count: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-values, values, length) / values  # few values: many ties
    order = rng.permutation(length)
    among = rng.random(length) < rng.random()
    ranked = sorted(range(length), key=lambda place: (-scores[place], order[place]))
    assert best(scores, order, count).tolist() == ranked[:count]
    wanted = [place for place in ranked if among[place]][:count]
    assert best_among(scores, among, order, count).tolist() == wanted


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=40), st.integers(1, 40))
def test_scores_that_are_equal_when_rounded_are_ties(last_bits: list[int], count: int) -> None:
    """Sums in another order differ by such bits, and by chance lie about half a unit."""
    for base in (0.25, 1.2345675, -3.1234565, 700.0000005):
        scores = np.array([base + bits * 1e-16 * abs(base) for bits in last_bits])
        rounded = np.round(scores, DECIMALS)
        order = np.arange(len(scores))[::-1].copy()
        wanted = sorted(range(len(scores)), key=lambda place: (-rounded[place], order[place]))
        assert best(scores, order, count).tolist() == wanted[:count]


def test_wrong_types_are_errors_in_tests() -> None:
    """Elsewhere machine code is called without a look at them (``domain.compiled``)."""
    with pytest.raises(TypeError, match="No matching definition"):
        best_among(np.arange(3), np.ones(3, dtype=bool), np.arange(3), 1)
