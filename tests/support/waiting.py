"""Waiting for conditions: never sleep for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
POLL_S = 0.05


def wait_until(condition: Callable[[], T], timeout_s: float = 60, what: str = "condition") -> T:
    """Return the first true value of ``condition``; fail with ``what`` when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what} (last value: {value!r})")
        time.sleep(POLL_S)


async def wait_until_async(
    condition: Callable[[], Awaitable[T]], timeout_s: float = 60, what: str = "condition"
) -> T:
    """Return the first true value of an awaited ``condition``; fail when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what} (last value: {value!r})")
        await asyncio.sleep(POLL_S)
