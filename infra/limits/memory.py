"""Counts in the memory of this process, bounded however many callers there are."""

import math
from collections import OrderedDict
from collections.abc import Callable

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import SlidingWindowCounterSupport, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from domain.rate_windows import Count, Taken, Window, taken

# About 300 bytes each. The one that was silent for longest is forgotten first: who calls from more
# addresses than this gets no more than by calling from as many.
ENTRIES_MAX = 100_000


class BoundedMemoryStorage(Storage, SlidingWindowCounterSupport):
    """A storage of the library ``limits`` for its sliding window counter.

    The library's own looks through all keys at every call and keeps any number of them. Windows are
    told apart by ``clock_s``, which may not go back.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock_s: Callable[[], float], entries_max: int = ENTRIES_MAX) -> None:
        super().__init__(wrap_exceptions=False)
        self._clock_s = clock_s
        self._entries_max = entries_max
        # key -> number of the window, calls in it, calls in the window before
        self._entries: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here fails."""
        return ValueError

    def count(self, key: str, seconds: int) -> Count:
        """Return the count of a key now."""
        number, rest = divmod(self._clock_s(), seconds)
        entry = self._entries.get(key)
        left_s = seconds - rest
        if entry is None:
            return Count(0, 0, left_s)
        if entry[0] == number:
            return Count(entry[2], entry[1], left_s)
        return Count(entry[1] if entry[0] == number - 1 else 0, 0, left_s)

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count ``amount`` calls if that keeps the limit; whether it did."""
        count = self.count(key, expiry)
        weighted = count.previous * count.left_s / expiry + count.current
        if math.floor(weighted) + amount > limit:
            if key in self._entries:
                self._entries.move_to_end(key)  # who is refused is not silent
            return False
        number = int(self._clock_s() // expiry)
        self._entries[key] = (number, count.current + amount, count.previous)
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
        return True

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


def item_of(window: Window) -> RateLimitItem:
    """Return a window as the library says it; its name keeps the keys of windows apart."""
    return RateLimitItemPerSecond(window.quota, window.seconds, namespace=window.name)


class MemoryCounter:
    """Counts calls for this process."""

    def __init__(self, clock_s: Callable[[], float], entries_max: int = ENTRIES_MAX) -> None:
        self._storage = BoundedMemoryStorage(clock_s, entries_max)
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)
        self._items: dict[Window, RateLimitItem] = {}

    def __len__(self) -> int:
        return len(self._storage)

    async def take(self, window: Window, key: str) -> Taken:
        """Count one call of ``key`` if the window allows it."""
        item = self._item(window)
        allowed = await self._strategy.hit(item, key)
        return taken(allowed, self._storage.count(item.key_for(key), window.seconds), window)

    def peek(self, window: Window, key: str) -> Taken:
        """Return what a call of ``key`` would get, without counting it."""
        count = self._storage.count(self._item(window).key_for(key), window.seconds)
        found = taken(True, count, window)
        return found._replace(allowed=found.remaining > 0)

    def _item(self, window: Window) -> RateLimitItem:
        item = self._items.get(window)
        if item is None:
            item = self._items[window] = item_of(window)
        return item
