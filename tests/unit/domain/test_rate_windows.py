import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.rate_windows import (
    Count,
    Window,
    remaining,
    seconds_until_allowed,
    taken,
    weight,
)

TEN = Window("ten", 10, 10)


def later(count, seconds, window):
    """The same caller after a time in which it did not call."""
    while seconds >= count.left_s:
        seconds -= count.left_s
        count = Count(count.current, 0, float(window.seconds))
    return count._replace(left_s=count.left_s - seconds)


@pytest.mark.parametrize(
    ("count", "left", "wait_s"),
    [
        (Count(0, 0, 10.0), 10, 0.0),
        (Count(0, 9, 0.1), 1, 0.0),
        (Count(10, 0, 10.0), 0, 0.001),  # the window before counts whole at its end
        (Count(10, 5, 5.0), 0, 0.001),
        (Count(10, 8, 5.0), 0, 3.001),  # until two seconds of the window before are left
        (Count(0, 10, 4.0), 0, 4.001),
        (Count(3, 10, 4.0), 0, 4.001),
        (Count(0, 20, 4.0), 0, 9.001),  # counted by a wider quota: half of the next window as well
    ],
)
def test_numbers_by_hand(count, left, wait_s):
    assert remaining(count, TEN) == left
    assert seconds_until_allowed(count, TEN) == pytest.approx(wait_s)


def test_an_outcome_says_what_is_left_until_the_window_ends():
    assert taken(True, Count(0, 4, 7.5), TEN) == (True, 6, 7.5)


def test_an_outcome_without_anything_left_says_when_there_is():
    assert taken(False, Count(0, 10, 4.0), TEN) == (False, 0, 4.001)
    assert taken(True, Count(0, 10, 4.0), TEN) == (True, 0, 4.001)


@given(
    st.integers(0, 30), st.integers(0, 30), st.floats(0.001, 10), st.integers(1, 20),
)  # fmt: skip
def test_a_call_may_come_after_the_time_said_and_not_long_before(previous, current, left_s, quota):
    window = Window("w", quota, 10)
    count = Count(previous, current, left_s)
    wait_s = seconds_until_allowed(count, window)
    assert wait_s >= 0
    assert weight(later(count, wait_s, window), window) < window.quota
    assume(wait_s > 0.01)
    assert weight(later(count, wait_s - 0.01, window), window) >= window.quota - 1e-6
