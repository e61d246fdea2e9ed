"""When API keys were used last: noted in memory, written in groups, off the path of requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from infra.postgres.pool import UNAVAILABLE

log = logging.getLogger(__name__)

NOTE_EVERY_MS = 60_000  # of one key: what is stored is at most this old, and what is not flushed
FLUSH_S = 5.0
KEYS_MAX = 10_000

Write = Callable[[Mapping[str, int]], Awaitable[None]]


class KeyUse:
    """Collects uses; what cannot be written waits, what does not fit is noted at a later use."""

    def __init__(self, write: Write, clock_ms: Callable[[], int]) -> None:
        self._write = write
        self._clock_ms = clock_ms
        self._noted: dict[str, int] = {}  # key id -> Unix milliseconds of the last note
        self._waiting: dict[str, int] = {}

    def note(self, key_id: str) -> None:
        """Note that a key is used now. Never waits, never fails."""
        now_ms = self._clock_ms()
        noted_ms = self._noted.get(key_id)
        if noted_ms is None:
            if len(self._noted) >= KEYS_MAX:
                return
        elif now_ms - noted_ms < NOTE_EVERY_MS:
            return
        self._noted[key_id] = self._waiting[key_id] = now_ms

    async def flush(self) -> None:
        """Write what waits, in one statement; on an error it goes on waiting."""
        since_ms = self._clock_ms() - NOTE_EVERY_MS
        self._noted = {key_id: at_ms for key_id, at_ms in self._noted.items() if at_ms > since_ms}
        writing = self._waiting
        if not writing:
            return
        self._waiting = {}
        try:
            await self._write(writing)
        except UNAVAILABLE as error:
            self._waiting = writing | self._waiting
            log.warning("last uses of keys wait for the database: %s", type(error).__name__)

    async def run(self) -> None:
        """Flush from time to time until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()
