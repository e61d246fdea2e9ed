"""Rows in long arrays are what a dictionary of rows would be, after any changes."""

import random

import numpy as np
import pytest

from domain.row_table import ENTRIES_FIRST, NeighbourRow, RowTable

TITLES = 40


def made(rng: random.Random) -> NeighbourRow:
    titles = rng.sample(range(TITLES), rng.randrange(TITLES))
    weights = [rng.choice([0.0, rng.random()]) for _ in titles]
    return NeighbourRow(np.array(titles, dtype=np.int64), np.array(weights, dtype=np.float64))


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


def test_titles_without_a_row_have_an_empty_one_however_late_they_come() -> None:
    table = RowTable()
    table.put(3, NeighbourRow(np.array([1]), np.array([0.5])))
    assert 5000 not in table
    assert len(table.get(5000).titles) == 0
    table.put(3, NeighbourRow(np.empty(0, dtype=np.int64), np.empty(0)))
    assert 3 not in table
    assert table.rows(6000).lengths[[3, 5999]].tolist() == [0, 0]
