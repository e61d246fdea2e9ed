"""Counts callers of one process by their quotas; a window of one second is always its own.

With a shared server every longer window is counted for all processes. So several processes let a
caller have a burst each, and together no more than its average.
"""

import hashlib
from collections.abc import Callable

from api.edge.addresses import Networks, trusted_proxies
from api.limits.quotas import Quotas
from domain.rate_windows import Taken, Window
from infra.limits.memory import MemoryCounter
from infra.limits.shared import SharedCounter, storage_url
from infra.settings import Settings, SettingsError

KEY_LENGTH_MAX = 128

Outcome = tuple[Window, Taken]


class Limiter:
    """Quotas and counters."""

    def __init__(
        self, quotas: Quotas, alone: MemoryCounter, shared: SharedCounter | None, proxies: Networks
    ) -> None:
        self.quotas = quotas
        self.proxies = proxies
        self._alone = alone
        self._shared = shared

    async def take(self, windows: tuple[Window, ...], key: str) -> Outcome | None:
        """Count one call in each window, up to the first that refuses it, which is returned."""
        key = bounded(key)
        for window in windows:
            if self._shared is not None and window.seconds > 1:
                outcome = await self._shared.take(window, key)
                if not outcome.allowed:
                    return window, outcome
            else:
                refused = self._alone.refusal(window, key)
                if refused is not None:
                    return window, refused
        return None

    def peek(self, windows: tuple[Window, ...], key: str) -> list[Outcome]:
        """Return what a call would get, as far as this process knows, without counting it."""
        key = bounded(key)
        return [(window, self._counter_of(window).peek(window, key)) for window in windows]

    def used_up(self, windows: tuple[Window, ...], key: str) -> Outcome | None:
        """Return the first window of which this process knows that it would refuse a call."""
        key = bounded(key)
        for window in windows:
            found = self._counter_of(window).used_up(window, key)
            if found is not None:
                return window, found
        return None

    def drop_idle(self, most: int) -> int:
        """Forget callers of whom nothing counts any more, up to ``most`` a counter: how many."""
        dropped = self._alone.drop_idle(most)
        return dropped + (self._shared.drop_idle(most) if self._shared is not None else 0)

    def _counter_of(self, window: Window) -> MemoryCounter | SharedCounter:
        return self._alone if self._shared is None or window.seconds == 1 else self._shared

    async def close(self) -> None:
        """Close the connections to the shared server, if there is one."""
        if self._shared is not None:
            await self._shared.close()


def bounded(key: str) -> str:
    """Return a key of bounded length: names of callers come from elsewhere."""
    if len(key) <= KEY_LENGTH_MAX:
        return key
    return "long:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def shared_url(settings: Settings) -> str:
    """Return the URL of the shared server for the library ``limits``, empty without one.

    Raises:
        SettingsError: it is the URL of something else.
    """
    try:
        return settings.limits_url and storage_url(settings.limits_url)
    except ValueError as error:
        raise SettingsError(f"MEDIA_GATEWAY_LIMITS_URL: {error}") from None


def open_limiter(settings: Settings, clock_s: Callable[[], float]) -> Limiter:
    """Return the limiter of one process; nothing is asked of a server yet.

    Raises:
        SettingsError: a quota, the URL or the proxies cannot be used.
    """
    alone = MemoryCounter(clock_s)
    url = shared_url(settings)
    shared = SharedCounter(url, clock_s, alone) if url else None
    return Limiter(Quotas.from_settings(settings), alone, shared, trusted_proxies(settings))
