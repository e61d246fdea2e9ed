"""Maximal marginal relevance, by hand and by its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ranking.diversity import LAMBDA, diversify
from domain.sources.attributes import AttributeIndex
from domain.title_attributes import DECIMALS

TWINS = ["A", "A", "B", "B"]  # genres: 0 and 1 are alike, 2 and 3 are


def index_of(genres: list[str]) -> AttributeIndex:
    """One title for each string, whose letters are its genres."""
    found = AttributeIndex([str(title) for title in range(len(genres))])
    for title, own in enumerate(genres):
        found.put(title, own)
    return found


def taken(scores: list[float], genres: list[str], count: int, balance: float) -> list[int]:
    vectors, of = index_of(genres).vectors_of(np.arange(len(genres)))
    return diversify(np.array(scores, dtype=np.float64), vectors, of, count, balance).tolist()


def test_by_hand() -> None:
    scores = [5.0, 4.0, 3.0, 1.0]  # relevance 1, 0.75, 0.5, 0
    # after 0: 1 has 0.375 - 0.5, 2 has 0.25; then 1 has -0.125, 3 has -0.5
    assert taken(scores, TWINS, 4, 0.5) == [0, 2, 1, 3]
    assert taken(scores, TWINS, 2, 0.5) == [0, 2]


def test_relevance_alone_keeps_the_order_and_ties_go_to_the_better() -> None:
    assert taken([5.0, 5.0, 3.0, 3.0], TWINS, 4, 1.0) == [0, 1, 2, 3]
    assert taken([1.0] * 4, [""] * 4, 3, LAMBDA) == [0, 1, 2]


def test_variety_alone_takes_the_least_alike() -> None:
    assert taken([4.0, 3.0, 2.0, 1.0], TWINS, 3, 0.0) == [0, 2, 1]


def test_fewer_candidates_than_places() -> None:
    assert taken([1.0], ["A"], 5, LAMBDA) == [0]
    assert taken([], [], 5, LAMBDA) == []
    assert taken([1.0], ["A"], 0, LAMBDA) == []


def gains(scores: list[float], alike: np.ndarray, taken_before: list[int]) -> np.ndarray:
    """Return what the definition says each candidate gains; -inf for those taken before."""
    spread = scores[0] - scores[-1]
    relevance = (np.array(scores) - scores[-1]) / spread if spread else np.ones(len(scores))
    closest = alike[taken_before].max(axis=0, initial=0.0)
    found = LAMBDA * relevance - (1.0 - LAMBDA) * closest
    found[taken_before] = -np.inf
    return found


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sets(st.sampled_from("ABCDEF")).map("".join)),
        min_size=1, max_size=12,
    ),
    st.integers(1, 12),
)  # fmt: skip
def test_the_order_is_that_of_the_definition(drawn: list[tuple[int, str]], count: int) -> None:
    scores = sorted((float(score) for score, _ in drawn), reverse=True)
    genres = [own for _, own in drawn]
    every = np.arange(len(genres))
    alike = np.round(index_of(genres).parts(every, every), DECIMALS)
    order = taken(scores, genres, count, LAMBDA)
    assert len(order) == min(count, len(scores))
    for place, each in enumerate(order):
        gained = gains(scores, alike, order[:place])
        assert gained[each] == pytest.approx(gained.max(), abs=1e-9)
