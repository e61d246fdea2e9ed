"""EASE against the formula by hand, its determinism, and its quality on real ratings."""

import numpy as np
import pytest

from domain.cowatch import (
    ENGAGED_ONLY,
    Histories,
    NeighbourRows,
    ease,
    ease_by_viewers,
    fit,
    gram,
    incidence,
    select_titles,
    watch_weight,
)
from domain.cowatch_histories import HistoryStore
from schemas.watch_state import WatchState
from tests.support.movielens import needs_movielens
from tests.support.static_split import (
    histories_of,
    mean_ndcg,
    popular,
    ranking_by,
    static_split,
)


def state(**fields) -> WatchState:
    defaults = {
        "user_id": "u", "content_id": "c", "epoch": 0, "completions": 0, "completed": False,
        "watched_s": 0, "position_s": 0, "duration_s": 100, "progress": 0.0, "resumable": False,
        "updated_at_ms": 0, "source_offset": 0,
    }  # fmt: skip
    return WatchState.model_validate(defaults | fields)


@pytest.mark.parametrize(
    ("fields", "weight"),
    [
        ({"progress": 0.29}, 0),
        ({"progress": 0.30}, 30),
        ({"progress": 0.759}, 75),
        ({"progress": 0.96, "completed": True}, 100),
        ({"progress": 0.05, "epoch": 1, "completions": 1}, 100),
        ({"progress": 0.1, "rating": 4.0}, 100),
        ({"progress": 0.8, "rating": 3.0}, 80),
        ({"progress": 0.29, "started_at_ms": 5}, ENGAGED_ONLY),
        ({"progress": 0.0, "rating": 3.0}, ENGAGED_ONLY),
        ({"progress": 1.0, "completed": True, "started_at_ms": 5, "rating": 2.5}, ENGAGED_ONLY),
        ({"progress": 1.0, "completed": True, "started_at_ms": 5, "hidden": True}, ENGAGED_ONLY),
        ({"dismissed": True}, 0),
        ({"hidden": True}, 0),
    ],
)
def test_weight_of_a_watch_state(fields, weight) -> None:
    assert watch_weight(state(**fields)) == weight


def stored(pairs: list[tuple[str, str, int]]) -> Histories:
    store = HistoryStore()
    for viewer, title, weight in pairs:
        store.put(viewer, title, weight)
    return store.histories()


PAIRS = [
    ("ann", "a", 100), ("ann", "b", 100), ("ann", "c", 40),
    ("bob", "a", 100), ("bob", "b", 70),
    ("cid", "c", 100), ("cid", "d", 100), ("cid", "a", 30),
    ("dan", "d", 50), ("dan", "c", 90),
]  # fmt: skip


def table(rows: NeighbourRows) -> dict[str, list[tuple[str, float]]]:
    return {
        title: [
            (rows.title_ids[column], float(weight))
            for column, weight in zip(
                rows.neighbours[rows.starts[i] : rows.starts[i + 1]],
                rows.weights[rows.starts[i] : rows.starts[i + 1]],
                strict=True,
            )
        ]
        for i, title in enumerate(rows.title_ids)
    }


def test_neighbours_equal_the_formula_on_a_small_case() -> None:
    titles = ["a", "b", "c", "d"]
    matrix = np.zeros((4, 4))
    for viewer, title, weight in PAIRS:
        matrix[["ann", "bob", "cid", "dan"].index(viewer), titles.index(title)] = weight / 100
    inverse = np.linalg.inv(matrix.T @ matrix + 0.5 * np.eye(4))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)

    rows = table(fit(stored(PAIRS), 100, 0.5, 100))

    assert list(rows) == titles
    for i, title in enumerate(titles):
        wanted = sorted(
            (-round(expected[i, j], 6), other)
            for j, other in enumerate(titles)
            if round(expected[i, j], 6) > 0
        )
        assert [name for name, _ in rows[title]] == [name for _, name in wanted]
        assert [w for _, w in rows[title]] == pytest.approx([-w for w, _ in wanted], abs=1e-6)
    assert rows["a"][0][0] == "b"


def random_pairs(viewers: int, titles: int, count: int) -> list[tuple[str, str, int]]:
    rng = np.random.default_rng(7)
    pairs = {
        (f"u{rng.integers(viewers)}", f"t{rng.integers(titles)}"): int(rng.integers(30, 101))
        for _ in range(count)
    }
    return [(*key, ENGAGED_ONLY if weight < 40 else weight) for key, weight in pairs.items()]


@pytest.mark.parametrize("viewers", [40, 90])  # fewer and more than titles: both forms
def test_order_of_arrival_and_repeats_do_not_matter(viewers: int) -> None:
    entries = random_pairs(viewers, titles=60, count=900)
    order = np.random.default_rng(8).permutation(len(entries))
    shuffled = [entries[i] for i in order]
    one = fit(stored(entries), 50, 5.0, 10)
    other = fit(stored([*shuffled[:300], *shuffled]), 50, 5.0, 10)
    assert one.title_ids == other.title_ids
    for left, right in zip(one[1:], other[1:], strict=True):
        assert left.tobytes() == right.tobytes()


@pytest.mark.parametrize("viewers", [30, 90])
def test_the_inverse_over_viewers_gives_the_weights_of_the_one_over_titles(viewers: int) -> None:
    chosen = select_titles(stored(random_pairs(viewers, titles=60, count=700)), 60)
    by_viewers = np.concatenate(list(ease_by_viewers(incidence(chosen), ridge=5.0)))
    by_titles = ease(gram(incidence(chosen)), ridge=5.0)
    assert by_viewers.shape == by_titles.shape == (60, 60)
    assert np.abs(by_viewers - by_titles).max() < 1e-6 / 2
    assert np.abs(by_titles).max() > 0.01


def test_watched_but_not_liked_is_no_evidence() -> None:
    disliked = [("ann", "d", ENGAGED_ONLY), ("bob", "c", ENGAGED_ONLY)]
    assert table(fit(stored([*PAIRS, *disliked]), 9, 0.5, 9)) == table(
        fit(stored(PAIRS), 9, 0.5, 9)
    )


def test_a_removed_pair_is_forgotten() -> None:
    with_erased = [*PAIRS, ("eve", "z", 100), ("eve", "a", 100), ("eve", "z", 0), ("eve", "a", 0)]
    assert table(fit(stored(with_erased), 100, 0.5, 9)) == table(fit(stored(PAIRS), 100, 0.5, 9))


def test_titles_are_limited_to_those_with_most_viewers_ties_by_id() -> None:
    chosen = select_titles(stored(PAIRS), 3)
    assert chosen.title_ids == ["a", "b", "c"]  # 3, 2, 3 and 2 viewers: b before d
    assert gram(incidence(chosen))[0, 1] == pytest.approx(1.7)


def test_top_k_is_cut_with_ties_by_id() -> None:
    pairs = [(f"u{i}", title, 100) for i in range(3) for title in ("q", "b", "c", "a")]
    rows = table(fit(stored(pairs), 100, 1.0, 2))
    assert [name for name, _ in rows["q"]] == ["a", "b"]
    assert [name for name, _ in rows["a"]] == ["b", "c"]


def test_no_histories_no_rows() -> None:
    assert table(fit(stored([]), 100, 1.0, 2)) == {}
    assert table(fit(stored([("u", "only", 100)]), 100, 1.0, 2)) == {"only": []}


@needs_movielens
def test_beats_popularity_on_real_ratings(record_property) -> None:
    split = static_split()
    rows = fit(histories_of(split), 3000, 250.0, 100)
    model = mean_ndcg(split, ranking_by(rows, split))
    baseline = mean_ndcg(split, popular(split))
    record_property("ndcg_ease", model)
    record_property("ndcg_popularity", baseline)
    assert model >= 1.3 * baseline, f"EASE {model:.4f}, popularity {baseline:.4f}"
