"""EASE by neighbourhoods: EASE itself where nothing is left out, and as good on real ratings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from domain import cowatch
from domain.cowatch import ENGAGED_ONLY, Histories, NeighbourRows, incidence, select_titles
from domain.cowatch_histories import HistoryStore
from domain.cowatch_sparse import Gram, Limits, fit, gram_of
from tests.support.movielens import needs_movielens
from tests.support.static_split import histories_of, mean_ndcg, ranking_by, static_split

TITLES = 60
EVERY_PAIR = TITLES * TITLES
Pair = tuple[str, str, int]


def stored(pairs: list[Pair]) -> Histories:
    store = HistoryStore()
    for viewer, title, weight in pairs:
        store.put(viewer, title, weight)
    return store.histories()


def made_pairs(viewers: int, count: int) -> list[Pair]:
    """Titles of falling popularity; some of them watched and not liked."""
    dice = np.random.default_rng(7)
    pairs = {
        (f"u{dice.integers(viewers)}", f"t{int(TITLES * dice.random() ** 2)}"): int(weight)
        for weight in dice.integers(30, 101, count)
    }
    return [(*key, ENGAGED_ONLY if weight < 40 else weight) for key, weight in pairs.items()]


def named(rows: NeighbourRows) -> dict[str, dict[str, float]]:
    """Weights by title and neighbour."""
    bounds = zip(rows.starts[:-1], rows.starts[1:], strict=True)
    return {
        title: {
            rows.title_ids[column]: float(weight)
            for column, weight in zip(rows.neighbours[a:b], rows.weights[a:b], strict=True)
        }
        for title, (a, b) in zip(rows.title_ids, bounds, strict=True)
    }


def same_bytes(one: NeighbourRows, other: NeighbourRows) -> bool:
    return one.title_ids == other.title_ids and all(
        left.tobytes() == right.tobytes() for left, right in zip(one[1:], other[1:], strict=True)
    )


@pytest.mark.parametrize("dense_titles", [0, 20, 59])
@pytest.mark.parametrize("viewers", [40, 200])
def test_with_all_titles_as_regressors_it_is_ease(viewers: int, dense_titles: int) -> None:
    """One viewer saw everything, so that every title is watched with every other one."""
    everything = [("all", f"t{number}", 100) for number in range(TITLES)]
    histories = stored([*made_pairs(viewers, 1500), *everything])
    whole = named(cowatch.fit(histories, TITLES, 5.0, TITLES))
    found = named(fit(histories, Limits(dense_titles, TITLES, EVERY_PAIR, TITLES), 5.0, TITLES))
    assert len(found) == TITLES
    assert found == {title: pytest.approx(row, abs=1e-6) for title, row in whole.items()}
    assert sum(map(len, whole.values())) > 500


def test_up_to_the_dense_limit_it_is_the_dense_form() -> None:
    histories = stored(made_pairs(90, 900))
    found = fit(histories, Limits(TITLES, 0, 0, 1), 5.0, 10)
    assert same_bytes(found, cowatch.fit(histories, TITLES, 5.0, 10))


def test_a_column_is_the_regression_on_the_nearest_titles_by_hand() -> None:
    """b and c are the titles of a's viewers; one regressor each: a on b (cosine 0.82), b on a."""
    pairs = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u2", "b"), ("u3", "a"), ("u3", "c")]
    histories = stored([(*pair, 100) for pair in pairs])
    found = named(fit(histories, Limits(1, 9, 99, regressors=1), 0.5, 9))
    assert found == {
        "a": {"b": pytest.approx(2 / 3.5, abs=1e-6), "c": pytest.approx(1 / 3.5, abs=1e-6)},
        "b": {"a": pytest.approx(2 / 2.5, abs=1e-6)},  # 2 shared, of b's 2 viewers + lambda
        "c": {},
    }


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_neither_order_nor_repeats_nor_the_dense_part_matter(dice) -> None:
    pairs = made_pairs(90, 900)
    shuffled = dice.sample(pairs, len(pairs))
    one = fit(stored(pairs), Limits(20, 50, EVERY_PAIR, 12), 5.0, 10)
    again = fit(stored([*shuffled[:300], *shuffled]), Limits(20, 50, EVERY_PAIR, 12), 5.0, 10)
    assert same_bytes(one, again)
    assert same_bytes(one, fit(stored(shuffled), Limits(5, 50, EVERY_PAIR, 12), 5.0, 10))
    assert len(one.title_ids) == 50
    assert len(one.weights) > 300


def test_a_removed_viewer_is_forgotten() -> None:
    eve = [("eve", title, 100) for title in ("t0", "t59", "only-eve")]
    taken_back = [(*pair[:2], 0) for pair in eve]
    limits = Limits(10, 99, EVERY_PAIR, 12)
    others = made_pairs(90, 900)
    found = fit(stored([*eve, *others, *taken_back]), limits, 5.0, 10)
    assert same_bytes(found, fit(stored(others), limits, 5.0, 10))
    assert not same_bytes(found, fit(stored([*others, *eve]), limits, 5.0, 10))


def by_viewers(pairs: list[Pair], titles: int):
    matrix = incidence(select_titles(stored(pairs), titles))
    return matrix[:, np.argsort(-np.diff(matrix.indptr), kind="stable")]


def among(product: Gram, titles: list[int]) -> np.ndarray:
    lower = np.tril(product.among(np.array(titles)))
    return lower + np.tril(lower, -1).T


def test_the_gram_matrix_is_exact_between_any_titles() -> None:
    matrix = by_viewers(made_pairs(200, 1500), TITLES)
    product = gram_of(matrix, Limits(20, TITLES, EVERY_PAIR))
    whole = (matrix.T @ matrix).toarray() / 1e4
    for titles in ([0, 3, 19], [2, 19, 20, 45], [30, 31, 59], list(range(TITLES))):
        assert (among(product, titles) == whole[np.ix_(titles, titles)]).all()


def test_pairs_are_limited_and_the_titles_with_most_viewers_stay() -> None:
    pairs = made_pairs(90, 900)
    everything = gram_of(by_viewers(pairs, TITLES), Limits(20, TITLES, EVERY_PAIR))
    room = everything.tail.nnz // 2
    product = gram_of(by_viewers(pairs, TITLES), Limits(20, TITLES, room))
    assert 20 < product.titles < everything.titles
    assert product.tail.nnz <= room
    assert room < everything.tail.indptr[product.titles - 20 + 1]  # the next one does not fit
    rows = fit(stored(pairs), Limits(20, TITLES, room, 12), 5.0, 10)
    viewers = np.diff(by_viewers(pairs, TITLES).indptr)
    assert len(rows.title_ids) == product.titles
    assert viewers[product.titles - 1] >= viewers[product.titles]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    fit(
        stored(made_pairs(90, 900)), Limits(20, TITLES, EVERY_PAIR, 12), 5.0, 10,
        lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(0, TITLES)]


@needs_movielens
def test_neighbourhoods_rank_real_ratings_as_well_as_the_whole(record_property) -> None:
    split = static_split()
    histories = histories_of(split)
    with threadpool_limits(limits=1):
        whole = cowatch.fit(histories, 10_000, 250.0, 100)
        found = fit(histories, Limits(3000, 10_000, 10**7), 250.0, 100)
    ease = mean_ndcg(split, ranking_by(whole, split))
    near = mean_ndcg(split, ranking_by(found, split))
    record_property("ndcg_ease", ease)
    record_property("ndcg_neighbourhoods", near)
    assert found.title_ids == whole.title_ids
    assert near >= 0.98 * ease, f"neighbourhoods {near:.4f}, EASE {ease:.4f}"
    popular = select_titles(histories, 1000).title_ids
    assert overlap(named(whole), named(found), popular) > 0.6


def overlap(whole: dict[str, dict], found: dict[str, dict], titles: list[str]) -> float:
    """Share of the first ten neighbours that are the same."""
    firsts = [(set(list(whole[title])[:10]), set(list(found[title])[:10])) for title in titles]
    return float(np.mean([len(one & other) / max(1, len(one)) for one, other in firsts]))
