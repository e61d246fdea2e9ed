"""A window of calls: how many may come in how long, and when the next one may.

The count is that of a sliding window made of two fixed ones: the calls of the window before count
by the share of it that the last ``seconds`` still cover. It needs two numbers a caller, and what it
lets through in any ``seconds`` is the quota as far as the calls of a window were spread evenly.
Source: https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

JUST_AFTER_S = 0.001  # a call may come when less than the quota counts, not when just that does


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``quota`` calls in ``seconds``; the name is its policy's in answers."""

    name: str
    quota: int
    seconds: int


class Count(NamedTuple):
    """What is known of one caller: calls of the window before and of this one, seconds left."""

    previous: int
    current: int
    left_s: float


class Taken(NamedTuple):
    """Whether a call may be; how many more may, now; seconds until one may, or the window ends."""

    allowed: bool
    remaining: int
    reset_s: float


def weight(count: Count, window: Window) -> float:
    """Return the calls that count now."""
    return count.previous * count.left_s / window.seconds + count.current


def remaining(count: Count, window: Window) -> int:
    """Return how many calls may come now.

    >>> remaining(Count(previous=10, current=2, left_s=5.0), Window("w", 10, 10))
    3
    """
    return max(0, window.quota - math.floor(weight(count, window)))


def seconds_until_allowed(count: Count, window: Window) -> float:
    """Return after how many seconds one call may come if none comes before; 0: now.

    >>> seconds_until_allowed(Count(previous=0, current=10, left_s=4.0), Window("w", 10, 10))
    4.001
    """
    if weight(count, window) < window.quota:
        return 0.0
    if count.current < window.quota:
        left_s = _left_when_below(count.previous, window.quota - count.current, window)
        return count.left_s - left_s + JUST_AFTER_S
    left_s = _left_when_below(count.current, window.quota, window)
    return count.left_s + window.seconds - left_s + JUST_AFTER_S


def taken(allowed: bool, count: Count, window: Window) -> Taken:
    """Return the outcome of one call, from the count after it."""
    previous, current, left_s = count
    if allowed:
        # As ``remaining`` says it, written out: every request asks this several times.
        left = window.quota - math.floor(previous * left_s / window.seconds + current)
        if left > 0:
            return Taken(True, left, left_s)
    return Taken(allowed, 0, seconds_until_allowed(count, window))


def _left_when_below(calls: int, room: int, window: Window) -> float:
    """Return with how many seconds left of a window the calls before it weigh just ``room``."""
    return min(float(window.seconds), room * window.seconds / calls)
