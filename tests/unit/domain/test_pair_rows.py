"""Pairs of titles: the later row decides, both sides see it, the order of arrival does not show."""

import random

import numpy as np
import pytest

from domain import pair_rows
from domain.pair_rows import PairRows
from domain.row_table import NeighbourRow


def row(**weights: float) -> NeighbourRow:
    """The row of titles a, b, c, ... as 0, 1, 2, ..."""
    titles = [ord(name) - ord("a") for name in weights]
    return NeighbourRow(np.array(titles, dtype=np.int64), np.array(list(weights.values())))


def pairs_of(of: PairRows, title: int) -> list[tuple[int, float]] | None:
    found = of.get(title)
    return None if found is None else list(zip(*map(np.ndarray.tolist, found), strict=True))


A, B, C, D = range(4)


def three() -> PairRows:
    found = PairRows()
    found.put(A, 1, row())
    found.put(B, 2, row(a=0.5))
    found.put(C, 3, row(a=0.75, b=0.25))
    return found


def test_a_pair_is_in_the_row_of_both() -> None:
    found = three()
    assert pairs_of(found, A) == [(C, 0.75), (B, 0.5)]
    assert pairs_of(found, B) == [(A, 0.5), (C, 0.25)]
    assert pairs_of(found, C) == [(A, 0.75), (B, 0.25)]
    assert pairs_of(found, D) is None
    assert D not in found


def test_a_new_row_replaces_all_pairs_of_its_title() -> None:
    found = three()
    assert len(pairs_of(found, A)) == 2
    found.put(A, 4, row(c=0.625))
    assert pairs_of(found, A) == [(C, 0.625)]
    assert pairs_of(found, B) == [(C, 0.25)]
    assert pairs_of(found, C) == [(A, 0.625), (B, 0.25)]


def test_without_a_row_a_title_has_no_pairs_even_if_others_name_it() -> None:
    found = three()
    assert len(pairs_of(found, B)) == 2
    found.remove(A)
    found.remove(D)
    assert pairs_of(found, A) is None
    assert pairs_of(found, B) == [(C, 0.25)]
    assert pairs_of(found, C) == [(B, 0.25)]
    found.put(A, 5, row())  # the text that came back is like nothing
    assert pairs_of(found, A) == []
    assert pairs_of(found, C) == [(B, 0.25)]


@pytest.mark.parametrize("seed", range(30))
def test_pairs_are_a_function_of_the_rows_held(seed: int) -> None:
    """Any history of rows and tombstones, read between, ends like its last rows in any order."""
    rng = random.Random(seed)
    of, held = PairRows(), {}
    for version in range(60):
        title = rng.randrange(12)
        if rng.random() < 0.2:
            of.remove(title)
            held.pop(title, None)
        else:
            others = rng.sample([each for each in range(12) if each != title], rng.randrange(6))
            weights = np.array([rng.choice([0.25, 0.5, rng.random()]) for _ in others])
            said = NeighbourRow(np.array(others, dtype=np.int64), weights)
            of.put(title, version, said)
            held[title] = (version, said)
        of.get(rng.randrange(12))
    other = PairRows()
    for title in rng.sample(sorted(held), len(held)):
        other.put(title, *held[title])
        other.get(rng.randrange(12))
    for title in range(12):
        ours, theirs = pairs_of(of, title), pairs_of(other, title)
        assert (ours is None) == (title not in held) == (title not in of)
        assert sorted(ours or []) == sorted(theirs or [])
        assert [weight for _, weight in ours or []] == [weight for _, weight in theirs or []]
        for named, weight in ours or []:  # as the definition says, from both sides
            last = max(title, named, key=lambda each: held[each][0])
            _, said = held[last]
            assert said.weights[said.titles == title + named - last].tolist() == [weight]
            assert (title, weight) in pairs_of(of, named)


def test_rows_are_put_together_when_asked_for_and_only_after_a_change(monkeypatch) -> None:
    built: list[int] = []
    made = PairRows._made

    def counted(self: PairRows, title: int) -> NeighbourRow:
        built.append(title)
        return made(self, title)

    monkeypatch.setattr(pair_rows.PairRows, "_made", counted)
    found = three()
    found.put(D, 4, row(c=0.5))
    assert built == []
    for title in (A, B, C, D, A, B, C, D):
        found.get(title)
    assert built == [A, B, C, D]
    found.put(D, 5, row(b=0.5))
    for title in (A, B, C, D):
        found.get(title)
    assert built == [A, B, C, D, B, C, D]
