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

    def __init__(self, write: Write) -> None:
        self._write = write
        self._noted: dict[str, int] = {}  # key id -> Unix milliseconds of the last note
        self._waiting: dict[str, int] = {}

    def note(self, key_id: str, now_ms: int) -> None:
        """Note that a key is used now. Never waits, never fails."""
        if now_ms - self._noted.get(key_id, -NOTE_EVERY_MS) < NOTE_EVERY_MS:
            return
        if len(self._noted) >= KEYS_MAX:
            self._noted = {
                known: at_ms
                for known, at_ms in self._noted.items()
                if now_ms - at_ms < NOTE_EVERY_MS
            }
        if len(self._noted) < KEYS_MAX:
            self._noted[key_id] = self._waiting[key_id] = now_ms

    async def flush(self) -> None:
        """Write what waits, in one statement; on an error it goes on waiting."""
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
