"""Rows in long arrays are what a dictionary of rows would be, after any changes."""

import random

import numpy as np
import pytest

from domain.row_table import (
    ENTRIES_FIRST,
    Asked,
    NeighbourRow,
    RowTable,
    add_saturated_sums,
    parts_of_picks,
)

TITLES = 40
HOMES = np.arange(TITLES)
HOMES[[30, 31, 32]] = 33  # three episodes of one series


def made(rng: random.Random) -> NeighbourRow:
    titles = rng.sample(range(TITLES), rng.randrange(TITLES))
    weights = [rng.choice([0.0, rng.random()]) for _ in titles]
    return NeighbourRow(np.array(titles, dtype=np.int64), np.array(weights, dtype=np.float64))


def dense(held: dict[int, NeighbourRow]) -> np.ndarray:
    """What is held as a matrix, targets by their homes."""
    matrix = np.zeros((TITLES, TITLES))
    for title, row in held.items():
        np.add.at(matrix, (title, HOMES[row.titles]), row.weights)
    return matrix


@pytest.mark.parametrize("seed", range(5))
def test_any_changes_end_in_the_rows_set_last(seed: int) -> None:
    rng = random.Random(seed)
    table, held = RowTable(), {}
    for _ in range(2000):  # several times the room at first: the table is packed on the way
        title = rng.randrange(TITLES)
        row = made(rng)
        table.put(title, row)
        held[title] = row
    assert len(table.rows(TITLES).targets) < 4 * ENTRIES_FIRST  # what was replaced takes no room
    for title in range(TITLES):
        found = table.get(title)
        assert found.titles.tolist() == held[title].titles.tolist()
        assert found.weights.tolist() == held[title].weights.tolist()
        assert (title in table) == (len(held[title].titles) > 0)
    matrix = dense(held)
    asked = np.array(rng.sample(range(TITLES), 9))
    weights = np.array([rng.choice([0.0, rng.random()]) for _ in asked])
    entries = np.array([0, 2, 3, 7])
    of = Asked(asked, entries, HOMES, TITLES)
    total = np.ones(TITLES)
    add_saturated_sums(table.rows(TITLES), of, weights, 0.5, total)
    x = weights[entries] @ matrix[asked[entries]]
    assert total == pytest.approx(1.0 + 0.5 * x / (1.0 + x), abs=1e-12)
    picks = np.array([33, 5, 0])
    parts = parts_of_picks(table.rows(TITLES), of, picks)
    assert parts == pytest.approx(matrix[np.ix_(asked[entries], picks)], abs=1e-12)


def test_titles_without_a_row_have_an_empty_one_however_late_they_come() -> None:
    table = RowTable()
    table.put(3, NeighbourRow(np.array([1]), np.array([0.5])))
    assert 5000 not in table
    assert len(table.get(5000).titles) == 0
    table.put(3, NeighbourRow(np.empty(0, dtype=np.int64), np.empty(0)))
    assert 3 not in table
    asked = Asked(np.array([3, 5999]), np.arange(2), np.arange(6000), 6000)
    total = np.zeros(6000)
    add_saturated_sums(table.rows(6000), asked, np.ones(2), 1.0, total)
    assert not total.any()
