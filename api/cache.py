"""A bounded cache whose entries are fresh for a fixed time."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from infra.metrics import API_CACHE

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
        """Return an entry that stopped being fresh at most ``age_max_s`` ago."""
        entry = self._entries.get(key)
        if entry is None or self._clock_s() >= entry[0] + age_max_s:
            return None
        return (entry[1],)

    def put(self, key: Key, value: Value) -> None:
        """Keep ``value`` from now on."""
        self._entries[key] = (self._clock_s() + self._ttl_s, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size_max:
            self._entries.popitem(last=False)
