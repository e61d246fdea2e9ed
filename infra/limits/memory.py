"""Counts in the memory of this process, bounded however many callers there are."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

from limits.aio.storage import SlidingWindowCounterSupport, Storage

from domain.rate_windows import (
    Count,
    Taken,
    Window,
    remaining,
    seconds_until_allowed,
    taken,
)

# About 300 bytes each. The one that was silent for longest is forgotten first: who calls from more
# addresses than this gets no more than by calling from as many.
ENTRIES_MAX = 100_000


class BoundedMemoryStorage(Storage, SlidingWindowCounterSupport):
    """A storage of the library ``limits`` for its sliding window counter, of the same algorithm.

    The library's own storage looks through all keys at every call and keeps any number of them.
    Windows are told apart by ``clock_s``, which may not go back.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock_s: Callable[[], float], entries_max: int = ENTRIES_MAX) -> None:
        super().__init__(wrap_exceptions=False)
        self._clock_s = clock_s
        self._entries_max = entries_max
        # key -> number of the window, calls in it, calls in the window before
        self._entries: OrderedDict[Hashable, tuple[float, int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here fails."""
        return ValueError

    def count(self, key: Hashable, seconds: int) -> Count:
        """Return the count of a key now."""
        number, rest = divmod(self._clock_s(), seconds)
        entry = self._entries.get(key)
        left_s = seconds - rest
        if entry is None:
            return Count(0, 0, left_s)
        if entry[0] == number:
            return Count(entry[2], entry[1], left_s)
        return Count(entry[1] if entry[0] == number - 1 else 0, 0, left_s)

    def take(self, key: Hashable, limit: int, seconds: int, amount: int = 1) -> tuple[bool, Count]:
        """Count ``amount`` calls if that keeps the limit; whether it did, and the count now."""
        entries = self._entries
        number, rest = divmod(self._clock_s(), seconds)
        left_s = seconds - rest
        entry = entries.get(key)
        current = previous = 0
        if entry is not None:
            if entry[0] == number:
                current, previous = entry[1], entry[2]
            elif entry[0] == number - 1:
                previous = entry[1]
            entries.move_to_end(key)  # also who is refused is not silent
        if math.floor(previous * left_s / seconds + current) + amount > limit:
            return False, Count(previous, current, left_s)
        entries[key] = (number, current + amount, previous)
        if len(entries) > self._entries_max:
            entries.popitem(last=False)
        return True, Count(previous, current + amount, left_s)

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count ``amount`` calls if that keeps the limit; whether it did."""
        return self.take(key, limit, expiry, amount)[0]

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return calls and seconds to live of the window before, then of this one."""
        count = self.count(key, expiry)
        return count.previous, count.left_s, count.current, count.left_s + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        self._entries.pop(key, None)

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Refuse: only the sliding window is kept."""
        raise NotImplementedError

    async def get(self, key: str) -> int:
        """Refuse: only the sliding window is kept."""
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        """Refuse: only the sliding window is kept."""
        raise NotImplementedError

    async def check(self) -> bool:
        """Memory is there."""
        return True

    async def reset(self) -> int | None:
        """Forget everything; return how many keys that were."""
        size = len(self._entries)
        self._entries.clear()
        return size

    async def clear(self, key: str) -> None:
        """Forget a key."""
        self._entries.pop(key, None)


class MemoryCounter:
    """Counts calls for this process.

    The storage is asked directly: the library's strategy would give the same outcome (a test
    compares them) for twice the time, on every request.
    """

    def __init__(self, clock_s: Callable[[], float], entries_max: int = ENTRIES_MAX) -> None:
        self._storage = BoundedMemoryStorage(clock_s, entries_max)

    def __len__(self) -> int:
        return len(self._storage)

    def take(self, window: Window, key: str) -> Taken:
        """Count one call of ``key`` if the window allows it."""
        allowed, count = self._storage.take((window.name, key), window.quota, window.seconds)
        return taken(allowed, count, window)

    def peek(self, window: Window, key: str) -> Taken:
        """Return what a call of ``key`` would get, without counting it."""
        name = window.name, key
        if name not in self._storage:
            return Taken(True, window.quota, float(window.seconds))
        found = self._storage.count(name, window.seconds)
        left = remaining(found, window)
        return Taken(left > 0, left, found.left_s if left else seconds_until_allowed(found, window))
