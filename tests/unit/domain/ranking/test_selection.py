"""The best of many scores are those of a full sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ranking.selection import BLOCK, best


@settings(deadline=None)
@given(
    st.integers(0, 9 * BLOCK + 5), st.integers(1, 20), st.sampled_from([2, 50, 10_000]),
    st.integers(0, 999),
)  # fmt: skip
def test_the_best_are_those_of_a_full_sort(length: int, count: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, length) / values  # few values: many ties
    order = rng.permutation(length)
    wanted = sorted(range(length), key=lambda place: (-scores[place], order[place]))[:count]
    assert best(scores, order, count).tolist() == wanted


@pytest.mark.parametrize("last", [True, False])
def test_scores_beyond_the_last_whole_block_count(last: bool) -> None:
    scores = np.linspace(0.0, 0.5, 3 * BLOCK + 7)
    scores[-1 if last else 5] = 0.9
    assert best(scores, np.arange(len(scores)), 1).tolist() == [len(scores) - 1 if last else 5]
