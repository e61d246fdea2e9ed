import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from domain.rate_windows import Window
from infra.limits.memory import ENTRIES_MAX, BoundedMemoryStorage, MemoryCounter
from infra.limits.shared import item_of

WINDOW = Window("w", 10, 10)


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def allowed(counter, key, calls, window=WINDOW):
    return sum([counter.take(window, key).allowed for _ in range(calls)])


def test_a_caller_gets_its_quota_and_then_what_fades():
    clock = Clock()
    counter = MemoryCounter(clock)
    assert allowed(counter, "a", 15) == 10
    assert allowed(counter, "b", 15) == 10
    clock.now_s += 9.999
    assert allowed(counter, "a", 5) == 0
    clock.now_s += 2.001  # two seconds into the next window: eight of the ten still count
    assert allowed(counter, "a", 5) == 2
    clock.now_s += 100
    assert allowed(counter, "a", 15) == 10


def test_what_is_left_counts_down_and_looking_costs_nothing():
    counter = MemoryCounter(Clock())
    left = [counter.take(WINDOW, "a").remaining for _ in range(11)]
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert counter.peek(WINDOW, "a") == (False, 0, pytest.approx(10.001))
    assert counter.peek(WINDOW, "b").allowed
    assert len(counter) == 1


def test_windows_of_one_caller_are_told_apart():
    counter = MemoryCounter(Clock())
    assert allowed(counter, "a", 5, Window("one", 2, 10)) == 2
    assert allowed(counter, "a", 5, Window("two", 2, 10)) == 2


def test_a_refused_caller_that_goes_on_is_not_punished():
    clock = Clock()
    counter = MemoryCounter(clock)
    allowed(counter, "a", 1000)
    clock.now_s += 15
    assert allowed(counter, "a", 100) == 5


def test_a_million_addresses_take_bounded_memory_and_the_silent_go_first():
    counter = MemoryCounter(Clock())
    counter.take(WINDOW, "silent")
    for number in range(1_000_000):
        counter.take(WINDOW, f"address:10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        if number % 50_000 == 0:
            counter.take(WINDOW, "busy")
    assert len(counter) == ENTRIES_MAX
    assert counter.peek(WINDOW, "silent").remaining == 10
    assert counter.peek(WINDOW, "busy").remaining == 0
    entries = counter._storage._entries
    key, entry = next(iter(entries.items()))
    each = sys.getsizeof(key) + sys.getsizeof(entry) + 3 * 32
    assert len(entries) * each + sys.getsizeof(entries) < 48 * 1024 * 1024


def test_callers_of_whom_nothing_counts_any_more_are_forgotten():
    clock = Clock()
    counter = MemoryCounter(clock)
    allowed(counter, "a", 10)
    clock.now_s += 10
    allowed(counter, "b", 1)
    assert counter.drop_idle(9) == 0  # the window before still counts
    assert not counter.peek(WINDOW, "a").allowed
    clock.now_s += 10
    assert counter.drop_idle(9) == 1
    assert len(counter) == 1
    clock.now_s += 10
    for key in "cde":
        counter.take(WINDOW, key)
    clock.now_s += 20
    assert [counter.drop_idle(3), counter.drop_idle(3)] == [3, 1]


@given(st.lists(st.floats(0, 3), max_size=200))
def test_no_fixed_window_gets_more_than_the_quota(pauses):
    clock = Clock()
    counter = MemoryCounter(clock)
    by_window = {}
    for pause in pauses:
        clock.now_s += pause
        number = clock.now_s // WINDOW.seconds
        by_window[number] = by_window.get(number, 0) + allowed(counter, "a", 3)
    assert all(calls <= WINDOW.quota for calls in by_window.values())


@given(st.lists(st.tuples(st.floats(0, 12), st.integers(1, 12)), max_size=40))
async def test_the_outcome_is_that_of_the_librarys_strategy(calls):
    clock = Clock()
    counter = MemoryCounter(clock)
    strategy = SlidingWindowCounterRateLimiter(BoundedMemoryStorage(clock))
    for pause, times in calls:
        clock.now_s += pause
        for _ in range(times):
            expected = await strategy.hit(item_of(WINDOW), "a")
            assert counter.take(WINDOW, "a").allowed == expected


@given(st.lists(st.tuples(st.floats(0, 12), st.integers(0, 8)), max_size=30))
def test_what_is_used_up_is_what_would_be_refused(steps):
    clock = Clock()
    counter = MemoryCounter(clock)
    for pause_s, calls in steps:
        clock.now_s += pause_s
        allowed(counter, "a", calls)
        found = counter.peek(WINDOW, "a")
        assert counter.used_up(WINDOW, "a") == (None if found.allowed else found)
