"""Refusals -> memory -> Postgres in groups, by a timer: no request waits for it.

What strangers send is only counted, under the name that they gave; rows are written for partners
that exist. Memory is bounded: names that nobody has proven, all counts, and what is listed each
have a limit, beyond which refusals are dropped, and counted as that.
"""

import asyncio
import datetime
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from api.stores import Refusals
from infra import metrics
from infra.postgres.pool import UNAVAILABLE
from infra.postgres.webhook_refusals import DETAIL_LENGTH_MAX, Refusal, RefusalCount

FLUSH_S = 1.0
COUNTS_MAX = 5000  # partner, hour, reason
UNPROVEN_MAX = 500  # of these, under names whose partner is not known here
LISTED_MAX = 1000
CLOSE_S = 2.0

log = logging.getLogger(__name__)
CountKey = tuple[str, datetime.datetime, str]


class Noted(NamedTuple):
    """One refusal; ``webhook_id`` only when the signature was the partner's."""

    partner: str
    proven: bool
    reason: str
    detail: str
    webhook_id: str | None = None


class RefusalLog:
    """Gathers refusals and writes them. ``run`` is the timer."""

    def __init__(self, store: Refusals, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._counts: dict[CountKey, RefusalCount] = {}
        self._unproven = 0
        self._listed: deque[Refusal] = deque(maxlen=LISTED_MAX)
        self._writing = asyncio.Lock()

    def note(self, noted: Noted) -> None:
        """Remember one refusal; returns at once."""
        at = datetime.datetime.fromtimestamp(self._clock_ms() / 1000, datetime.UTC)
        detail = noted.detail[:DETAIL_LENGTH_MAX].replace("\0", "")
        hour = at.replace(minute=0, second=0, microsecond=0)
        count = RefusalCount(noted.partner, hour, noted.reason, 1, at, detail)
        if not self._add(count, proven=noted.proven):
            metrics.API_WEBHOOK_REFUSALS_DROPPED.inc()
        if noted.webhook_id is not None:
            self._listed.append(
                Refusal(noted.partner, noted.webhook_id, noted.reason, detail, at)
            )  # a full deque drops its oldest

    def _add(self, count: RefusalCount, *, proven: bool) -> bool:
        key = (count.partner, count.hour, count.reason)
        known = self._counts.get(key)
        if known is not None:
            self._counts[key] = count._replace(refused=known.refused + count.refused)
            return True
        if len(self._counts) >= COUNTS_MAX or (not proven and self._unproven >= UNPROVEN_MAX):
            return False
        self._unproven += not proven
        self._counts[key] = count
        return True

    async def flush(self) -> None:
        """Write what was noted before the call.

        Raises:
            Exception: one of ``UNAVAILABLE``; what was noted is kept for the next time.
        """
        async with self._writing:
            counts, listed = self._take()
            if not counts and not listed:
                return
            try:
                await self._store.write(listed, counts)
            except UNAVAILABLE:
                self._give_back(counts, listed)
                raise

    def _take(self) -> tuple[list[RefusalCount], list[Refusal]]:
        taken = list(self._counts.values()), list(self._listed)
        self._counts.clear()
        self._unproven = 0
        self._listed.clear()
        return taken

    def _give_back(self, counts: list[RefusalCount], listed: list[Refusal]) -> None:
        newer = list(self._counts.values())
        self._counts = {(each.partner, each.hour, each.reason): each for each in counts}
        for each in newer:
            self._add(each, proven=True)
        self._listed = deque([*listed, *self._listed], maxlen=LISTED_MAX)

    async def run(self) -> None:
        """Flush every ``FLUSH_S`` until cancelled; then once more, for at most ``CLOSE_S``."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self._try_flush()
        finally:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._try_flush()
            except TimeoutError:
                log.warning("refusals of the last seconds were not written")

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except UNAVAILABLE as error:
            log.warning("refusals wait for the database: %s", type(error).__name__)
