"""Counts in packed rows are those of a dictionary, whatever was added, moved and taken back."""

import random
from collections import Counter

import numpy as np
import pytest

from domain.ranking.pair_counts import CELLS_FIRST, BestPairs, PairCounts

TITLES = 150
Changes = dict[tuple[int, int], int]


def add(of: PairCounts, changes: Changes) -> None:
    of.add(np.array(list(changes)).reshape(-1, 2), np.array(list(changes.values()), dtype=np.int64))


def best(of: PairCounts, title: int, most: int) -> BestPairs:
    return of.best(np.array([title]), most, doubt=0)[0]


def drawn(rng: random.Random, held: Changes) -> Changes:
    """Some pairs more, some of those that are held less, a few of them gone."""
    found = {(rng.randrange(TITLES), rng.randrange(TITLES)): rng.randrange(1, 9) for _ in range(30)}
    for pair in rng.sample(sorted(held), min(len(held), 10)):
        found[pair] = -held[pair] if rng.random() < 0.7 else 0
    return found


@pytest.mark.parametrize("seed", range(3))
def test_any_changes_end_in_the_sums(seed: int) -> None:
    rng = random.Random(seed)
    found, held = PairCounts(), Counter[tuple[int, int]]()
    for _ in range(400):
        changes = drawn(rng, held)
        add(found, changes)
        held.update(changes)
        held = +held
        found.best(
            np.array([rng.randrange(TITLES)]), rng.randrange(1, 9), doubt=1
        )  # leaves a hint behind
    assert len(held) > CELLS_FIRST  # so all rows moved into longer arrays on the way
    rows = found.best(np.arange(TITLES), 5, doubt=10)
    for title in range(TITLES):
        row = {other: held[title, other] for other in range(TITLES) if held[title, other]}
        assert {other: found.get(title, other) for other in row} == row
        assert found.get(title, TITLES) == 0
        titles, shares, above = rows[title]
        order = sorted(row, key=lambda other: (-row[other], other))
        assert titles[:5].tolist() == order[:5]
        assert {row[other] for other in titles[above:].tolist()} == {row[order[4]]}
        assert len(titles) == sum(count >= row[order[4]] for count in row.values())
        total = sum(row.values()) + 10
        expected = [row[other] / total for other in titles.tolist()]
        assert shares.tolist() == np.round(expected, 6).tolist()
    assert found.titles() == sorted({title for title, _ in held})


def test_what_is_taken_back_leaves_no_row() -> None:
    found = PairCounts()
    add(found, {(3, 1): 5, (3, 2): 4, (7, 3): 1})
    add(found, {(3, 1): -5, (7, 3): -1, (7, 9): 0})
    assert found.titles() == [3]
    assert (found.get(3, 1), found.get(3, 2), found.get(7, 3), found.get(7, 9)) == (0, 4, 0, 0)
    assert best(found, 3, 9).shares.tolist() == [1.0]
    assert len(best(found, 7, 9).titles) == 0


def test_titles_may_come_late() -> None:
    found = PairCounts()
    assert found.get(5000, 1) == 0
    assert len(best(found, 70_000, 3).titles) == 0
    add(found, {(200_000, 5): 2, (1, 200_000): 3})
    assert (found.get(200_000, 5), found.get(1, 200_000)) == (2, 3)


def test_one_row_may_hold_every_title() -> None:
    found, others = PairCounts(), list(range(20_000))
    random.Random(1).shuffle(others)
    for start in range(0, len(others), 500):
        add(found, {(0, other): other + 1 for other in others[start : start + 500]})
    three = best(found, 0, 3)
    assert (three.titles.tolist(), three.above) == ([19_999, 19_998, 19_997], 2)
    assert [found.get(0, other) for other in (0, 777, 19_999)] == [1, 778, 20_000]
