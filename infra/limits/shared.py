"""Counts in a Redis or Valkey that several processes share.

A call to the server at every request would cost more than the request. So a process takes calls in
advance: one at first, more as long as it uses them up, at most a twentieth of the quota, for at
most a tenth of the window. What is taken is counted already, so all processes together never let
through more than the quota and a twentieth of it each; what a caller does not use in time is lost
to it. A refusal is remembered for as long as it holds, a tenth of the window at most.

While the server is away, or slower than ``TIMEOUT_S``, each process counts for itself: a limit is
there to protect, and protects by closing nothing. That is logged and counted.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.rate_windows import Count, Taken, Window, taken
from infra import metrics
from infra.limits.memory import MemoryCounter

log = logging.getLogger(__name__)

SCHEMES = ("redis://", "rediss://", "valkey://", "valkeys://")
PREFIX = "media-gateway-limits"
TIMEOUT_S = 0.25
AWAY_S = 5.0  # the server is not asked again before
LEASES_MAX = 20_000
ADVANCE_SHARE = 20
LEASE_SHARE = 10


@dataclass(slots=True)
class Lease:
    """Calls that this process took for one caller, or a refusal, until a time."""

    left: int
    size: int
    until_s: float
    remaining: int
    reset_at_s: float
    refused: bool = False


def storage_url(url: str) -> str:
    """Return the URL for the library; Valkey speaks the protocol of Redis.

    Raises:
        ValueError: the URL is of another kind; it is not repeated, it may have a password.
    """
    if not url.startswith(SCHEMES):
        raise ValueError(f"expected one of {', '.join(SCHEMES)}")
    return "async+" + url.replace("valkey", "redis", 1)


def item_of(window: Window) -> RateLimitItem:
    """Return a window as the library says it; its name keeps the keys of windows apart."""
    return RateLimitItemPerSecond(window.quota, window.seconds, namespace=window.name)


class SharedCounter:
    """Counts calls for all processes that use the same server; for its URL see ``storage_url``."""

    def __init__(self, url: str, clock_s: Callable[[], float], alone: MemoryCounter) -> None:
        self._clock_s = clock_s
        self._alone = alone
        self._storage = RedisStorage(
            url, wrap_exceptions=True, implementation="redispy", key_prefix=PREFIX,
            socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )  # fmt: skip
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)
        self._leases: OrderedDict[tuple[Window, str], Lease] = OrderedDict()
        self._away_until_s: float | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self._storage.bridge.get_connection().aclose()  # type: ignore[attr-defined]

    async def take(self, window: Window, key: str) -> Taken:
        """Count one call of ``key`` if the window allows it; never fails."""
        now_s = self._clock_s()
        lease = self._leases.get((window, key))
        if lease is not None and now_s < lease.until_s and (lease.left or lease.refused):
            lease.left -= not lease.refused
            remaining = 0 if lease.refused else lease.remaining + lease.left
            return Taken(not lease.refused, remaining, max(0.0, lease.reset_at_s - now_s))
        if self._away_until_s is not None and now_s < self._away_until_s:
            return self._alone.take(window, key)
        try:
            found = await self._renew(window, key, lease, now_s)
        except (StorageError, RedisError, OSError, TimeoutError) as error:
            self._is_away(error)
            return self._alone.take(window, key)
        if self._away_until_s is not None:
            self._away_until_s = None
            log.info("the limits server answers again")
        return found

    def peek(self, window: Window, key: str) -> Taken:
        """Return what is known here of a call of ``key``, without asking or counting."""
        now_s = self._clock_s()
        if self._away_until_s is not None:
            return self._alone.peek(window, key)
        lease = self._leases.get((window, key))
        if lease is None or (lease.refused and now_s >= lease.until_s):
            return Taken(True, window.quota, float(window.seconds))
        left = 0 if lease.refused else lease.remaining + lease.left
        return Taken(not lease.refused, left, max(0.0, lease.reset_at_s - now_s))

    def used_up(self, window: Window, key: str) -> Taken | None:
        """Return what a call of ``key`` would get if it is known that it would be refused."""
        found = self.peek(window, key)
        return None if found.allowed else found

    def drop_idle(self, most: int) -> int:
        """Forget up to ``most`` callers of whom nothing counts any more; return how many.

        The server forgets a key by itself when its windows are over.
        """
        now_s, dropped = self._clock_s(), 0
        while self._leases and dropped < most:
            name, lease = next(iter(self._leases.items()))
            if now_s < max(lease.until_s, lease.reset_at_s):
                break
            del self._leases[name]
            dropped += 1
        return dropped

    async def _renew(self, window: Window, key: str, lease: Lease | None, now_s: float) -> Taken:
        item = item_of(window)
        size = size_of_next(lease, window, now_s)
        allowed = await self._strategy.hit(item, key, cost=size)
        if not allowed and size > 1:
            size = 1
            allowed = await self._strategy.hit(item, key)
        outcome = taken(allowed, await self._count(window, item.key_for(key)), window)
        until_s = now_s + window.seconds / LEASE_SHARE
        if not allowed:
            until_s = min(until_s, now_s + outcome.reset_s)
        self._leases[window, key] = Lease(
            size - 1 if allowed else 0, size, until_s, outcome.remaining,
            now_s + outcome.reset_s, not allowed,
        )  # fmt: skip
        self._leases.move_to_end((window, key))
        if len(self._leases) > LEASES_MAX:
            self._leases.popitem(last=False)
        return outcome._replace(remaining=outcome.remaining + size - 1 if allowed else 0)

    async def _count(self, window: Window, key: str) -> Count:
        previous, previous_s, current, current_s = await self._storage.get_sliding_window(
            key, window.seconds
        )
        if previous:
            return Count(previous, current, previous_s)
        left_s = current_s - window.seconds if current_s else float(window.seconds)
        return Count(0, current, max(0.0, left_s))

    def _is_away(self, error: Exception) -> None:
        metrics.API_LIMITS_ALONE.inc()
        if self._away_until_s is None:
            log.warning(
                "the limits server is away (%s): this process counts for itself",
                type(error.__cause__ or error).__name__,
            )
        self._away_until_s = self._clock_s() + AWAY_S


def size_of_next(lease: Lease | None, window: Window, now_s: float) -> int:
    """Return how many calls to take: twice as many as last time if those were used up in time."""
    most = max(1, window.quota // ADVANCE_SHARE)
    if lease is None or lease.refused or lease.left or now_s >= lease.until_s:
        return 1
    return min(most, 2 * lease.size)
