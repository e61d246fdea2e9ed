"""Who was erased, in memory: one look-up for a user, and none while nobody was erased.

The list is followed every few seconds, the newest part of it: a process holds some 150 bytes for
each erased user. When the database is away the list stays as it is; the ledger refuses what passes.
"""

import asyncio
import logging
from collections.abc import Callable

from api.stores import ErasureList
from infra.abandoned import abandon
from infra.metrics import ERASED_EVENTS
from infra.postgres.pool import UNAVAILABLE
from infra.security.pseudonyms import Pseudonyms

log = logging.getLogger(__name__)

REFRESH_S = 3.0
WAIT_S = 0.25  # for a refresh; an event need not wait for a slow database
OVERLAP_MS = 10 * 60 * 1000  # clocks of who erases may differ, and a row may be committed late
PSEUDONYM_BYTES = 8  # of 32: a million erased users collide with one of 10^9 others at p = 5e-5
ERASED = "occurred_at: before the data of this user was erased"


class ErasedUsers:
    """Follows the erasures.

    Args:
        store: where they are.
        pseudonyms: computes the pseudonym of a user.
        clock_s: monotonic seconds.
    """

    def __init__(
        self, store: ErasureList, pseudonyms: Pseudonyms, clock_s: Callable[[], float]
    ) -> None:
        self._store = store
        self._pseudonyms = pseudonyms
        self._clock_s = clock_s
        self._fresh_until_s = float("-inf")
        self._newest_ms = 0
        self._erased_at_ms: dict[bytes, int] = {}

    async def refresh(self) -> None:
        """Read what is new, unless that was done a moment ago."""
        if self._clock_s() < self._fresh_until_s:
            return
        self._fresh_until_s = self._clock_s() + REFRESH_S
        reading = asyncio.ensure_future(self._read())
        abandon(reading)  # it may outlast this request
        await asyncio.wait({reading}, timeout=WAIT_S)

    async def _read(self) -> None:
        try:
            found = await self._store.fetch_since(max(0, self._newest_ms - OVERLAP_MS))
        except UNAVAILABLE as error:
            log.warning("erasures could not be read: %s", type(error).__name__)
            return
        for pseudonym, erased_at_ms in found:
            short = _short(pseudonym)  # and what was read late may be older than what is known
            self._erased_at_ms[short] = max(erased_at_ms, self._erased_at_ms.get(short, 0))
            self._newest_ms = max(self._newest_ms, erased_at_ms)

    def refuses(self, user_id: str, occurred_at_ms: int) -> bool:
        """Whether an event is of the time before its user was erased."""
        if not self._erased_at_ms:
            return False
        for pseudonym in self._pseudonyms.all_of(user_id):
            if occurred_at_ms <= self._erased_at_ms.get(_short(pseudonym), -1):
                ERASED_EVENTS.labels("api").inc()
                return True
        return False


def _short(pseudonym: str) -> bytes:
    return bytes.fromhex(pseudonym[: 2 * PSEUDONYM_BYTES])
