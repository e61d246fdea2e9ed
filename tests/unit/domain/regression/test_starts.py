"""Watch states become starts; labels are known when time has shown; order never matters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.regression import start_store
from domain.regression.start_store import StartStore
from domain.regression.starts import NEVER_MS, decided, decided_at_ms, labels_of, start_of
from tests.unit.domain.regression.builders import DAY_MS, HOUR_MS, finished, packed, start, state


def test_a_decision_without_playback_is_no_start() -> None:
    assert start_of(state("u", "a", None, rating=4.0)) is None


def test_a_first_watch() -> None:
    assert start_of(finished("u", "a", 10, 2))[:4] == (
        10 * HOUR_MS, 12 * HOUR_MS, NEVER_MS, 12 * HOUR_MS,
    )  # fmt: skip
    assert start_of(state("u", "a", 10)).completed_at_ms == NEVER_MS


def test_a_rewatch_keeps_the_first_completion_as_an_earlier_one() -> None:
    again = start_of(state("u", "a", 50, epoch=1, completions=1, completed_at_ms=12 * HOUR_MS))
    assert (again.started_at_ms, again.earlier_at_ms) == (50 * HOUR_MS, 12 * HOUR_MS)
    assert again.completed_at_ms == NEVER_MS
    done = start_of(finished("u", "a", 50, 2, epoch=1, completions=2, completed_at_ms=12 * HOUR_MS))
    assert done.completed_at_ms == 52 * HOUR_MS


def test_nothing_is_completed_before_it_is_started() -> None:
    crossed = start_of(finished("u", "a", 10, completed_at_ms=9 * HOUR_MS))
    assert crossed.completed_at_ms == 10 * HOUR_MS


@pytest.mark.parametrize(
    ("watched", "hours"),
    [
        (finished("u", "a", 10, 2), 34),  # both labels wait a day from the start
        (state("u", "a", 10), 35),  # touched at 11
        (finished("u", "a", 10, 30), 40),
        (state("u", "a", 10, updated_at_ms=40 * HOUR_MS), 64),
    ],
)
def test_when_a_label_is_known(watched, hours) -> None:
    assert decided_at_ms(packed(watched)).tolist() == [hours * HOUR_MS]


def test_decided_goes_by_the_newest_event() -> None:
    old, fresh = finished("u", "a", 10, 2), finished("u", "b", 30, 1)
    assert decided(packed(old, fresh)).tolist() == [False, False]  # 31 h is the newest
    later = state("v", "c", 33)
    starts = packed(old, fresh, later)
    assert decided(starts).tolist() == [True, False, False]
    assert labels_of(starts).tolist() == [1, 1, 0]
    assert labels_of(starts.take(decided(starts))).tolist() == [1]


STATES = st.lists(
    st.builds(
        lambda user, content, hours, done: (
            finished(user, content, hours) if done else state(user, content, hours)
        ),
        st.sampled_from("uvw"), st.sampled_from("abc"), st.integers(0, 5), st.booleans(),
    ),
    unique_by=lambda each: (each.user_id, each.content_id),
)  # fmt: skip


@given(STATES, st.randoms())
def test_the_order_of_arrival_does_not_matter(states, random) -> None:
    one = packed(*states)
    shuffled = [*states, *states]  # and states that come twice change nothing
    random.shuffle(shuffled)
    other = packed(*shuffled)
    assert one.content_ids == other.content_ids
    for left, right in zip(one, other, strict=True):
        assert np.asarray(left).tolist() == np.asarray(right).tolist()


def test_the_last_value_of_a_pair_wins_across_merges(monkeypatch) -> None:
    monkeypatch.setattr(start_store, "PENDING_MAX", 2)
    store = StartStore()
    for number in range(5):
        store.put("u", f"film-{number}", start(number))
    store.put("u", "film-3", start(99))
    store.put("u", "film-4", None)
    starts = store.starts()
    names = [starts.content_ids[content] for content in starts.contents]
    assert names == ["film-0", "film-1", "film-2", "film-3"]
    assert starts.rows["started_at_ms"][-1] == 99 * HOUR_MS
    assert starts.rows["started_at_ms"].max() < 5 * DAY_MS
    store.put("u", "film-3", None)
    assert len(store.starts().rows) == 3
