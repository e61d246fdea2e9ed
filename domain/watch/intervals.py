"""Unions of watched intervals: flat sorted lists ``[from, to, from, to, ...]`` of milliseconds.

Intervals are closed and disjoint; those that touch are one. The flat form packs straight into
bytes and lets one bisection find both ends of an insertion.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def add(flat: list[int], start: int, end: int) -> list[int]:
    """Return the union of ``flat`` and [start, end]; an empty or backward interval adds nothing.

    Example:
        >>> add([0, 10, 20, 30], 10, 15)
        [0, 15, 20, 30]
    """
    if end <= start:
        return flat
    if not flat or flat[-1] < start:
        return [*flat, start, end]
    if flat[-2] <= start:  # playing on: only the last interval can grow
        return flat if end <= flat[-1] else [*flat[:-1], end]
    low = bisect_left(flat, start)
    high = bisect_right(flat, end)
    middle = ([start] if low % 2 == 0 else []) + ([end] if high % 2 == 0 else [])
    return flat[:low] + middle + flat[high:]


def union(flat: list[int], others: Sequence[int]) -> list[int]:
    """Return the union of two flat lists."""
    if len(others) == 2:  # one report
        return add(flat, others[0], others[1])
    pairs = iter(others)
    for start, end in zip(pairs, pairs, strict=True):
        flat = add(flat, start, end)
    return flat


def clip(flat: list[int], end: int) -> list[int]:
    """Return the part of ``flat`` up to ``end``."""
    if not flat or flat[-1] <= end:
        return flat
    kept = flat[: bisect_left(flat, end)]
    return [*kept, end] if len(kept) % 2 else kept


def length(flat: list[int]) -> int:
    """Return the total length in milliseconds."""
    if len(flat) == 2:
        return flat[1] - flat[0]
    return sum(flat[1::2]) - sum(flat[::2])


def drop_shortest(flat: list[int], keep: int) -> list[int]:
    """Return the ``keep`` longest intervals: a bound may forget watched time, never invent it."""
    pairs = sorted(
        zip(flat[::2], flat[1::2], strict=True), key=lambda pair: (pair[0] - pair[1], pair)
    )
    return [edge for pair in sorted(pairs[:keep]) for edge in pair]
