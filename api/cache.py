"""A bounded cache whose entries are fresh for a fixed time; a missing one is loaded once at a time.

When a popular entry has aged, every request of that moment would load it: a burst of the same work,
which makes the next answers late and the burst larger. Here the first one loads and the others wait
for it.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from infra.abandoned import abandon
from infra.metrics import API_CACHE

JOIN_S = 1.0  # a load that takes longer may hang on a dead connection: who comes then loads anew

Key = TypeVar("Key")
Value = TypeVar("Value")


class TtlCache(Generic[Key, Value]):
    """Least recently used entries leave first, beyond ``size_max``; old ones are not returned.

    Args:
        name: bounded metric label.
        size_max: most entries kept.
        ttl_s: how long an entry is fresh, seconds.
        clock_s: monotonic seconds.
    """

    def __init__(
        self, name: str, *, size_max: int, ttl_s: float, clock_s: Callable[[], float]
    ) -> None:
        self._size_max = size_max
        self._ttl_s = ttl_s
        self._clock_s = clock_s
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._loading: dict[Key, tuple[float, asyncio.Task[Value]]] = {}  # and until when to join
        self._hits = API_CACHE.labels(name, "hit")
        self._misses = API_CACHE.labels(name, "miss")

    def get(self, key: Key) -> tuple[Value] | None:
        """Return a fresh entry in a tuple (it may be None itself), or None."""
        entry = self._entries.get(key)
        if entry is None or self._clock_s() >= entry[0]:
            self._misses.inc()
            return None
        self._hits.inc()
        self._entries.move_to_end(key)
        return (entry[1],)

    def get_stale(self, key: Key, age_max_s: float) -> tuple[Value] | None:
        """Return an entry that is fresh or was at most ``age_max_s`` ago; counts nothing."""
        entry = self._entries.get(key)
        if entry is None or self._clock_s() >= entry[0] + age_max_s:
            return None
        return (entry[1],)

    def put(self, key: Key, value: Value) -> None:
        """Keep ``value`` from now on."""
        self._keep(key, value, self._clock_s())

    def drop_aged(self, most: int) -> int:
        """Forget up to ``most`` entries that are not fresh any more; return how many.

        Those used longest ago go first. One that is behind a fresh entry stays until that is aged.
        """
        now_s, dropped = self._clock_s(), 0
        while self._entries and dropped < most:
            key, (until_s, _) = next(iter(self._entries.items()))
            if now_s < until_s:
                break
            del self._entries[key]
            dropped += 1
        return dropped

    def _keep(self, key: Key, value: Value, read_at_s: float) -> None:
        self._entries[key] = (read_at_s + self._ttl_s, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size_max:
            self._entries.popitem(last=False)

    async def get_or_load(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """Return a fresh entry; a missing one is loaded by the first who asks, for all who do.

        A caller that gives up does not end the load for the others. What ``load`` raises, every
        caller that waited gets; nothing is kept then. A load is joined for ``JOIN_S`` seconds, and
        kept only if none was begun after it. What it returns may be as old as its beginning, so it
        is fresh for ``ttl_s`` from then.
        """
        cached = self.get(key)
        if cached is not None:
            return cached[0]
        until_s, loading = self._loading.get(key, (-math.inf, None))
        if loading is None or self._clock_s() >= until_s:
            if loading is not None:
                abandon(loading)
            loading = asyncio.ensure_future(self._load(key, load))
            self._loading[key] = (self._clock_s() + JOIN_S, loading)
        return await asyncio.shield(loading)

    async def _load(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        read_at_s = self._clock_s()
        try:
            value = await load()
        finally:
            is_newest = self._loading.get(key, (0.0, None))[1] is asyncio.current_task()
            if is_newest:
                del self._loading[key]
        if is_newest:
            self._keep(key, value, read_at_s)
        return value
