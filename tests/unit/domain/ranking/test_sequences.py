"""Sequence counts against their definition, pair by pair, whatever the order of arrival."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ranking.history import TIES_MAX, Kernel
from domain.ranking.sequences import PRIOR, UNIT, SequenceCounts
from domain.viewer_profile import TITLES_MAX

KERNEL = Kernel(decay=0.5, window=3)
IDS = [f"t{9999 - number}" for number in range(TITLES_MAX + 2)]  # later titles come first by id

Touch = tuple[str, int, int]  # viewer, title, at_ms
Counts = dict[tuple[int, int], int]


def by_definition(touches: list[Touch]) -> Counts:
    """C from the latest time of each viewer's titles; a negative time takes a title out."""
    latest: dict[str, dict[int, int]] = {}
    for viewer, title, at_ms in touches:
        latest.setdefault(viewer, {})[title] = at_ms
    counts: Counts = Counter()
    for times in latest.values():
        held = {title: at_ms for title, at_ms in times.items() if at_ms >= 0}
        tied = Counter(held.values())
        ordered = {title: at_ms for title, at_ms in held.items() if tied[at_ms] <= TIES_MAX}
        for j, before in ordered.items():
            for i, after in ordered.items():
                between = sum(before < at_ms < after for at_ms in held.values())
                if i != j and before == after:
                    counts[j, i] += UNIT
                elif before < after and between < KERNEL.window:
                    counts[j, i] += round(UNIT * KERNEL.decay**between)
    return +counts


def counted(of: SequenceCounts, titles: range = range(9)) -> Counts:
    found = {(j, i): of.count(j, i) for j in titles for i in titles}
    return {pair: count for pair, count in found.items() if count}


def taken(touches: list[Touch]) -> SequenceCounts:
    found = SequenceCounts(KERNEL, IDS)
    for touch in touches:
        found.touch(*touch)
    return found


def touches(times: st.SearchStrategy[int]) -> st.SearchStrategy[list[Touch]]:
    touch = st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 8), times)
    return st.lists(touch, max_size=30)


def test_counts_by_hand() -> None:
    found = taken(
        [("ann", title, 10 * title) for title in range(6)] + [("bob", 1, 5), ("bob", 0, 5)]
    )
    assert found.count(0, 1) == 1000 + 1000  # next for Ann, tied for Bob
    assert found.count(1, 0) == 1000
    assert (found.count(0, 2), found.count(0, 3), found.count(0, 4)) == (500, 250, 0)
    assert found.titles() == [0, 1, 2, 3, 4]


@given(touches(st.integers(-1, 6)))
def test_counts_are_those_of_the_definition(given_ones: list[Touch]) -> None:
    assert counted(taken(given_ones)) == by_definition(given_ones)


@given(touches(st.integers(0, 6)), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(given_ones: list[Touch], random) -> None:
    latest = list({touch[:2]: touch for touch in given_ones}.values())
    random.shuffle(latest)
    one, other = taken(given_ones), taken(latest)
    assert counted(one) == counted(other)
    for title in range(9):
        for ours, theirs in zip(one.row(title, 5), other.row(title, 5), strict=True):
            assert ours.tobytes() == theirs.tobytes()


@given(touches(st.integers(0, 6)))
def test_a_viewer_or_a_title_taken_out_leaves_exactly_the_others(given_ones: list[Touch]) -> None:
    found = taken(given_ones)
    found.forget("bob")
    found.touch("ann", 3, -1)
    kept = [touch for touch in given_ones if touch[0] == "ann" and touch[1] != 3]
    assert counted(found) == counted(taken(kept))
    found.forget("ann")
    assert counted(found) == {}
    assert found.titles() == []


@given(touches(st.integers(0, 6)), touches(st.integers(0, 6)))
def test_what_changed_is_said_and_nothing_else_did(before: list[Touch], more: list[Touch]) -> None:
    found = taken(before)
    rows = {title: found.row(title, 9) for title in range(9)}
    found.changed.clear()
    for touch in more:
        found.touch(*touch)
    for title in set(range(9)) - found.changed:
        for ours, theirs in zip(rows[title], found.row(title, 9), strict=True):
            assert ours.tolist() == theirs.tolist()


def test_rows_are_shares_with_doubt_best_first() -> None:
    found = taken([("ann", 0, 0), ("ann", 2, 10), ("ann", 1, 10), ("ann", 3, 20)])
    # after 0: 2 and 1 tied 1000 each, 3 with two between 250
    titles, weights = found.row(0, 9)
    assert titles.tolist() == [1, 2, 3]
    total = 2250 + PRIOR * UNIT
    assert weights.tolist() == pytest.approx([1000 / total, 1000 / total, 250 / total], abs=1e-6)
    assert len(found.row(7, 9).titles) == 0


@pytest.mark.parametrize(("most", "kept"), [(1, [2]), (2, [1, 2]), (3, [1, 2, 3])])
def test_rows_are_cut_with_ties_by_content_id(most: int, kept: list[int]) -> None:
    found = taken([("ann", 0, 0), ("ann", 2, 10), ("ann", 1, 10), ("ann", 3, 20)])
    assert IDS[2] < IDS[1]
    assert found.row(0, most).titles.tolist() == kept


@pytest.mark.parametrize(("tied", "counts"), [(TIES_MAX, True), (TIES_MAX + 1, False)])
def test_an_import_has_no_order(tied: int, counts: bool) -> None:
    many = [("ann", title, 10) for title in range(1, tied + 1)]
    found = taken([("ann", 0, 0), *many, ("ann", 99, 20)])
    assert (found.count(1, 2) > 0) == counts
    assert (found.count(0, 1) > 0) == counts
    assert (found.count(1, 99) > 0) == counts
    assert found.count(0, 99) == 0  # too many between


def test_only_the_titles_touched_last_are_kept() -> None:
    titles = range(TITLES_MAX + 2)
    found = taken([("ann", title, title) for title in titles])
    assert (found.count(0, 1), found.count(1, 2), found.count(2, 3)) == (0, 0, UNIT)
    assert found.count(TITLES_MAX, TITLES_MAX + 1) == UNIT
