"""Maximal marginal relevance, by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.ranking.diversity import LAMBDA, diversify

# Two pairs of twins: 0 and 1, 2 and 3.
TWINS = np.kron(np.eye(2), np.ones((2, 2)))


def test_by_hand() -> None:
    scores = np.array([5.0, 4.0, 3.0, 1.0])  # relevance 1, 0.75, 0.5, 0
    # after 0: 1 has 0.375 - 0.5, 2 has 0.25; then 1 has -0.125, 3 has -0.5
    assert diversify(scores, TWINS, 4, balance=0.5).tolist() == [0, 2, 1, 3]
    assert diversify(scores, TWINS, 2, balance=0.5).tolist() == [0, 2]


def test_relevance_alone_keeps_the_order_and_ties_go_to_the_better() -> None:
    scores = np.array([5.0, 5.0, 3.0, 3.0])
    assert diversify(scores, TWINS, 4, balance=1.0).tolist() == [0, 1, 2, 3]
    assert diversify(np.ones(4), np.zeros((4, 4)), 3).tolist() == [0, 1, 2]


def test_variety_alone_takes_the_least_alike() -> None:
    assert diversify(np.array([4.0, 3.0, 2.0, 1.0]), TWINS, 3, balance=0.0).tolist() == [0, 2, 1]


def test_fewer_candidates_than_places() -> None:
    assert diversify(np.array([1.0]), np.ones((1, 1)), 5).tolist() == [0]
    assert diversify(np.empty(0), np.empty((0, 0)), 5).tolist() == []


def by_definition(scores: np.ndarray, similarity: np.ndarray, count: int) -> list[int]:
    spread = np.ptp(scores)
    relevance = (scores - scores.min()) / spread if spread else np.ones(len(scores))
    taken: list[int] = []
    while len(taken) < min(count, len(scores)):
        left = [place for place in range(len(scores)) if place not in taken]
        gains = {
            place: LAMBDA * relevance[place]
            - (1.0 - LAMBDA) * max((similarity[each, place] for each in taken), default=0.0)
            for place in left
        }
        taken.append(max(left, key=lambda place: (gains[place], -place)))
    return taken


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(0, 99), st.integers(1, 12))
def test_the_order_is_that_of_the_definition(given_ones: list[int], seed: int, count: int) -> None:
    scores = np.array(sorted(given_ones, reverse=True), dtype=np.float64)
    similarity = np.random.default_rng(seed).random((len(scores), len(scores)))
    taken = diversify(scores, similarity, count).tolist()
    assert taken == by_definition(scores, similarity, count)
    assert taken[0] == 0
