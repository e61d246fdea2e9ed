"""Made viewers of the co-watch bench, and what its overlap counts."""

import numpy as np

from cli.bench.cowatch import made_histories, older, overlap, renewed_titles
from domain.cowatch import ENGAGED_ONLY, NeighbourRows
from domain.cowatch_renewal import Fit, fit_whole, renew
from domain.cowatch_sparse import Limits


def rows(*neighbours: list[int]) -> NeighbourRows:
    columns = np.concatenate(neighbours).astype(np.int32)
    starts = np.cumsum([0, *map(len, neighbours)])
    ids = [f"t{number}" for number in range(len(neighbours))]
    return NeighbourRows(ids, starts, columns, np.ones(len(columns)))


def test_overlap_is_the_share_of_first_neighbours_of_titles_that_have_any() -> None:
    dense = rows([1, 2], [0], [])
    assert overlap(dense, dense) == 1.0
    assert overlap(dense, rows([2], [2], [0])) == 0.25
    assert overlap(dense, rows([1, 2], [], [])) == 0.5  # nothing found for the second


def test_made_viewers_are_the_same_each_time_and_prefer_popular_titles() -> None:
    one, other = made_histories(400, 300), made_histories(400, 300)
    for left, right in zip(one, other, strict=True):
        assert np.array_equal(left, right)
    pairs = one.viewers.astype(np.int64) * 400 + one.titles
    assert len(np.unique(pairs)) == len(pairs)
    assert one.titles.max() < 400
    counts = np.bincount(one.titles, minlength=400)
    assert counts[:40].sum() > 2 * counts[-40:].sum()
    liked = one.weights[one.weights != ENGAGED_ONLY]
    assert liked.min() >= 30
    assert liked.max() == 100
    assert 0.1 < np.mean(one.weights == ENGAGED_ONLY) < 0.2


def test_a_renewal_takes_in_a_two_hundredth_of_all_views() -> None:
    histories, how = made_histories(400, 300), Fit(Limits(400, 0, 0), 250.0, 20)
    kept = older(histories)
    assert 0.99 < len(kept.titles) / len(histories.titles) < 1.0
    before = fit_whole(kept, how)
    assert renewed_titles(before, before) == 0
    assert 0 < renewed_titles(before, renew(before, histories, how)) < 100
