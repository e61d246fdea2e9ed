"""Histories: recency counts newer titles, ties share a weight, imports have none, homes once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import PROGRESS_MIN
from domain.ranking.history import (
    LIKED,
    LIKED_RECENCY,
    RECENCY,
    RECENT,
    TIES_MAX,
    History,
    Kernel,
    make_history,
    weights_without,
)
from domain.seen import Seen
from domain.slate_index import ContentSide
from tests.support.ranking import side_of, title

FILMS = [f"t{number:02d}" for number in range(70)]
EPISODES = ["e1", "e2", "e3"]
SIDE = side_of(
    [
        *map(title, FILMS),
        title("show", "series"),
        *(title(each, "episode", series_id="show") for each in EPISODES),
    ]
)


def touched(**at_ms: int) -> dict[str, Seen]:
    return {name: Seen(at, LIKED, engaged=True, watched=True) for name, at in at_ms.items()}


def recency(of: ContentSide, seen: dict[str, Seen]) -> dict[str, float]:
    history = make_history(of, seen)
    return {
        of.ids[each]: weight
        for each, weight in zip(
            history.titles.tolist(), history.weights[RECENCY].tolist(), strict=True
        )
    }


def test_recency_counts_newer_titles_and_not_time() -> None:
    found = recency(SIDE, touched(t00=10, t01=20, t02=2_000_000_000))
    assert found == pytest.approx({"t02": 1.0, "t01": 0.9, "t00": 0.81})


def test_titles_of_the_same_millisecond_have_the_same_weight() -> None:
    found = recency(SIDE, touched(t00=10, t01=20, t02=20, t03=30))
    assert found == pytest.approx({"t03": 1.0, "t01": 0.9, "t02": 0.9, "t00": 0.9**3})


def test_more_than_fifty_titles_of_one_millisecond_are_an_import_and_have_none() -> None:
    older, newer = {"t60": 1}, {"t61": 9}
    many = dict.fromkeys(FILMS[:TIES_MAX], 5)
    kept = recency(SIDE, touched(**older, **many, **newer))
    assert kept["t61"] == 1.0
    assert {kept[name] for name in many} == {0.9}
    dropped = recency(SIDE, touched(**older, **many, t59=5, **newer))
    assert dropped["t61"] == 1.0
    assert {dropped[name] for name in many} == {0.0}
    assert dropped["t60"] == 0.0  # 52 newer ones


def test_nothing_counts_beyond_the_window() -> None:
    found = recency(SIDE, touched(**{name: n for n, name in enumerate(FILMS[:25])}))
    assert [name for name, weight in found.items() if weight > 0.0] == FILMS[24:4:-1]
    assert found["t05"] == pytest.approx(RECENT.decay ** (RECENT.window - 1))


def test_a_series_counts_once_by_its_newest_episode() -> None:
    found = recency(SIDE, touched(e1=10, e2=30, t00=20, t01=5))
    assert found == pytest.approx({"e2": 1.0, "t00": 0.9, "e1": 0.0, "t01": 0.81})
    history = make_history(SIDE, touched(e1=10, e2=30))
    assert history.engaged.tolist() == [True, False]
    assert history.touched.tolist() == [True, True]
    assert [SIDE.ids[home] for home in history.homes] == ["show", "show"]


def test_only_what_was_engaged_with_and_only_what_was_liked_takes_part() -> None:
    seen = {
        "t00": Seen(40, 0.0, engaged=False),  # dismissed unseen
        "t01": Seen(30, PROGRESS_MIN, engaged=True),
        "t02": Seen(20, LIKED, engaged=True),
        "t03": Seen(10, LIKED, engaged=True),
        "gone": Seen(50, LIKED, engaged=True),
    }
    history = make_history(SIDE, seen)
    assert [SIDE.ids[each] for each in history.titles] == ["t00", "t01", "t02", "t03"]
    assert history.weights[RECENCY].tolist() == pytest.approx([0.0, 1.0, 0.9, 0.81])
    assert history.weights[LIKED_RECENCY].tolist() == pytest.approx([0.0, 0.0, 1.0, 0.9])
    assert history.evidence.tolist() == [0.0, PROGRESS_MIN, 1.0, 1.0]


def test_the_weights_of_an_endless_history_add_up_to_the_mass() -> None:
    kernel = Kernel(decay=0.5, window=60)
    assert kernel.powers.sum() == pytest.approx(kernel.mass)


def test_an_empty_history_is_empty() -> None:
    for history in (make_history(SIDE, {}), make_history(ContentSide(), touched(t00=1))):
        assert {part.shape[-1] for part in history} == {0}


@st.composite
def viewers(draw: st.DrawFn) -> dict[str, Seen]:
    names = draw(st.lists(st.sampled_from([*FILMS[:30], *EPISODES]), unique=True, max_size=33))
    return {
        name: Seen(
            draw(st.integers(0, 12)), draw(st.sampled_from([0.0, 0.5, LIKED])),
            engaged=draw(st.booleans()),
        )
        for name in names
    }  # fmt: skip


def same(one: History, other: History) -> bool:
    return all(left.tobytes() == right.tobytes() for left, right in zip(one, other, strict=True))


@given(viewers(), st.randoms(use_true_random=False))
def test_order_of_insertion_does_not_matter(seen: dict[str, Seen], random) -> None:
    shuffled = list(seen.items())
    random.shuffle(shuffled)
    assert same(make_history(SIDE, seen), make_history(SIDE, dict(shuffled)))


@given(viewers())
def test_weights_without_an_entry_are_those_of_a_history_without_it(seen: dict[str, Seen]) -> None:
    history = make_history(SIDE, seen)
    for entry, watched in enumerate(history.titles.tolist()):
        without = weights_without(history, entry)
        left = {key: did for key, did in seen.items() if key != SIDE.ids[watched]}
        assert not without[:, entry].any()
        expected = make_history(SIDE, left).weights
        assert np.delete(without, entry, axis=1).tolist() == expected.tolist()
        assert (history.counted | (without == 0.0)).all()  # whoever gets a weight is counted
