"""Together: cosines between titles, by hand, and whatever the order of viewers."""

import numpy as np
import pytest

from domain.cowatch import ENGAGED_ONLY, Histories, NeighbourRows
from domain.cowatch_histories import HistoryStore
from domain.together import fit

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


def test_cosines_by_hand() -> None:
    """a has three viewers, b two (liked or not), c and d one; the weights do not matter."""
    half, third = 0.5**0.5, 3**-0.5
    assert table(fit(stored(PAIRS), titles_max=9, neighbours_max=9)) == {
        "a": [("b", pytest.approx(2 / 6**0.5, abs=1e-6)), ("c", pytest.approx(third, abs=1e-6)),
              ("d", pytest.approx(third, abs=1e-6))],
        "b": [("a", pytest.approx(2 / 6**0.5, abs=1e-6)), ("c", pytest.approx(half, abs=1e-6))],
        "c": [("b", pytest.approx(half, abs=1e-6)), ("a", pytest.approx(third, abs=1e-6))],
        "d": [("a", pytest.approx(third, abs=1e-6))],
    }  # fmt: skip


def test_limits_are_kept_with_ties_by_id() -> None:
    assert table(fit(stored(PAIRS), titles_max=9, neighbours_max=2))["a"][1][0] == "c"
    assert set(table(fit(stored(PAIRS), titles_max=2, neighbours_max=9))) == {"a", "b"}


def test_order_of_arrival_and_repeats_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    pairs = {(f"u{rng.integers(40)}", f"t{rng.integers(700)}"): 100 for _ in range(3000)}
    entries = [(*key, weight) for key, weight in pairs.items()]  # more than one block of titles
    shuffled = [entries[place] for place in rng.permutation(len(entries))]
    one, other = fit(stored(entries), 650, 20), fit(stored([*shuffled[:99], *shuffled]), 650, 20)
    assert one.title_ids == other.title_ids
    for left, right in zip(one[1:], other[1:], strict=True):
        assert left.tobytes() == right.tobytes()
    assert len(one.weights) > 5000
    assert (one.weights > 0.0).all()
    assert (one.weights <= 1.0).all()


def test_a_viewer_taken_out_is_forgotten() -> None:
    erased = [("eve", "a", 100), ("eve", "z", 100), ("eve", "a", 0), ("eve", "z", 0)]
    assert table(fit(stored([*PAIRS, *erased]), 9, 9)) == table(fit(stored(PAIRS), 9, 9))
    assert table(fit(stored([]), 9, 9)) == {}
