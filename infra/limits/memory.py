"""Counts in the memory of this process, bounded however many callers there are."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

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


@dataclass(slots=True)
class Calls:
    """Calls of one key: the number of its newest window, calls in it, and in the one before."""

    seconds: int  # of a window
    number: float
    current: int
    previous: int


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
        self._entries: OrderedDict[Hashable, Calls] = OrderedDict()

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
        if entry.number == number:
            return Count(entry.previous, entry.current, left_s)
        return Count(entry.current if entry.number == number - 1 else 0, 0, left_s)

    def has_left(self, key: Hashable, limit: int) -> bool:
        """Whether a call would keep the limit for certain; False says nothing."""
        entry = self._entries.get(key)
        # With older windows weighed in full: what is left after that is left.
        return entry is None or entry.current + entry.previous < limit

    def take(self, key: Hashable, limit: int, seconds: int, amount: int = 1) -> bool:
        """Count ``amount`` calls if that keeps the limit; return whether it did."""
        number, rest = divmod(self._clock_s(), seconds)
        entry = self._entries.get(key)
        if entry is None:
            if amount > limit:
                return False
            self._entries[key] = Calls(seconds, number, amount, 0)
            if len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)
            return True
        self._entries.move_to_end(key)  # also who is refused is not silent
        if entry.number != number:
            entry.previous = entry.current if entry.number == number - 1 else 0
            entry.number, entry.current = number, 0
        # Most often the calls of both windows together keep the limit: there is nothing to weigh.
        if entry.current + entry.previous + amount > limit:
            weighed = entry.previous * (seconds - rest) / seconds + entry.current
            if math.floor(weighed) + amount > limit:
                return False
        entry.current += amount
        return True

    def drop_idle(self, most: int) -> int:
        """Forget up to ``most`` keys whose windows are over, silent ones first; return how many."""
        now_s, dropped = self._clock_s(), 0
        while self._entries and dropped < most:
            key, entry = next(iter(self._entries.items()))
            if now_s // entry.seconds <= entry.number + 1:
                break
            del self._entries[key]
            dropped += 1
        return dropped

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count ``amount`` calls if that keeps the limit; whether it did."""
        return self.take(key, limit, expiry, amount)

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

    def drop_idle(self, most: int) -> int:
        """Forget up to ``most`` callers of whom nothing counts any more; return how many."""
        return self._storage.drop_idle(most)

    def refusal(self, window: Window, key: str) -> Taken | None:
        """Count one call of ``key`` if the window allows it; else return what is left, and when."""
        if self._storage.take((window.name, key), window.quota, window.seconds):
            return None
        return taken(False, self._storage.count((window.name, key), window.seconds), window)

    def take(self, window: Window, key: str) -> Taken:
        """Count one call of ``key`` if the window allows it, and return what is left."""
        refused = self.refusal(window, key)
        if refused is not None:
            return refused
        return taken(True, self._storage.count((window.name, key), window.seconds), window)

    def used_up(self, window: Window, key: str) -> Taken | None:
        """Return what a call of ``key`` would get if it would be refused; counts nothing."""
        if self._storage.has_left((window.name, key), window.quota):
            return None
        found = self.peek(window, key)
        return None if found.allowed else found

    def peek(self, window: Window, key: str) -> Taken:
        """Return what a call of ``key`` would get, without counting it."""
        name = window.name, key
        if name not in self._storage:
            return Taken(True, window.quota, float(window.seconds))
        found = self._storage.count(name, window.seconds)
        left = remaining(found, window)
        return Taken(left > 0, left, found.left_s if left else seconds_until_allowed(found, window))
