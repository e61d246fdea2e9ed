"""Together: EASE over whatever was engaged with, in whatever order viewers come."""

import numpy as np
import pytest

from domain.cowatch import ENGAGED_ONLY, Histories, NeighbourRows
from domain.cowatch_histories import HistoryStore
from domain.cowatch_sparse import Limits, fit
from domain.together import engaged

LIMITS = Limits(dense_titles=100, sparse_titles=650, pairs=10**6)
PAIRS = [
    ("ann", "a", 100), ("ann", "b", ENGAGED_ONLY), ("ann", "c", 40),
    ("bob", "a", 30), ("bob", "b", 70),
    ("cid", "a", 100), ("cid", "d", 100),
]  # fmt: skip


def stored(pairs: list[tuple[str, str, int]]) -> Histories:
    store = HistoryStore()
    for viewer, title, weight in pairs:
        store.put(viewer, title, weight)
    return store.histories()


def table(rows: NeighbourRows) -> dict[str, list[tuple[str, float]]]:
    starts = rows.starts.tolist()
    return {
        name: [
            (rows.title_ids[column], weight)
            for column, weight in zip(
                rows.neighbours[starts[row] : starts[row + 1]].tolist(),
                rows.weights[starts[row] : starts[row + 1]].tolist(),
                strict=True,
            )
        ]
        for row, name in enumerate(rows.title_ids)
    }


def test_rows_follow_the_formula_whatever_was_thought_of_the_titles() -> None:
    x = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1]])  # ann, bob and cid on a, b, c, d
    inverse = np.linalg.inv(x.T @ x + 0.5 * np.eye(4))
    weights = -inverse / np.diag(inverse)
    found = table(fit(engaged(stored(PAIRS)), Limits(9, 0, 0), 0.5, 9))
    names = "abcd"
    for row, name in enumerate(names):
        wanted = {
            other: pytest.approx(weights[row, column], abs=1e-6)
            for column, other in enumerate(names)
            if column != row and weights[row, column] > 0.0
        }
        assert dict(found[name]) == wanted
    assert dict(found["b"])["a"] > 0.1  # ann did not like b, bob hardly liked a


def test_limits_are_kept_with_ties_by_id() -> None:
    alike = [("dan", "x", 100), ("dan", "y", 100), ("dan", "z", 100)]
    found = table(fit(engaged(stored(alike)), Limits(9, 0, 0), ridge=0.5, neighbours_max=1))
    assert {name: row[0][0] for name, row in found.items()} == {"x": "y", "y": "x", "z": "x"}
    most = table(fit(engaged(stored(PAIRS)), Limits(2, 0, 0), ridge=0.5, neighbours_max=9))
    assert set(most) == {"a", "b"}


def test_order_of_arrival_and_repeats_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    pairs = {(f"u{rng.integers(40)}", f"t{rng.integers(700)}"): 100 for _ in range(3000)}
    entries = [(*key, weight) for key, weight in pairs.items()]  # more than one block of titles
    shuffled = [entries[place] for place in rng.permutation(len(entries))]
    one, other = (
        fit(engaged(stored(entries)), LIMITS, 9.0, 20),
        fit(engaged(stored([*shuffled[:99], *shuffled])), LIMITS, 9.0, 20),
    )
    assert one.title_ids == other.title_ids
    for left, right in zip(one[1:], other[1:], strict=True):
        assert left.tobytes() == right.tobytes()
    assert len(one.weights) > 5000
    assert (one.weights > 0.0).all()
    assert (one.weights <= 1.0).all()


def test_a_viewer_taken_out_is_forgotten() -> None:
    erased = [("eve", "a", 100), ("eve", "z", 100), ("eve", "a", 0), ("eve", "z", 0)]
    limits = Limits(9, 0, 0)
    after = table(fit(engaged(stored([*PAIRS, *erased])), limits, 0.5, 9))
    assert after == table(fit(engaged(stored(PAIRS)), limits, 0.5, 9))
    assert table(fit(engaged(stored([])), limits, 0.5, 9)) == {}
