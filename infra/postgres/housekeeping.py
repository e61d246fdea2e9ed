"""What time alone changes in the serving rows, by a timer. Any number of processes may run it."""

import asyncio
import logging
from collections.abc import Callable

from infra.postgres import token_revocations, webhook_deliveries
from infra.postgres.pool import UNAVAILABLE, Pool
from infra.postgres.watch_states import clean_rows
from infra.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_S = 600.0
RETRY_S = 30.0


async def keep_house(pool: Pool, settings: Settings, clock_ms: Callable[[], int]) -> None:
    """Run ``tidy`` now and every ``INTERVAL_S`` until cancelled; waits for an absent database."""
    while True:
        try:
            await tidy(pool, settings, clock_ms())
        except UNAVAILABLE as error:
            log.warning("housekeeping waits for the database: %s", type(error).__name__)
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(INTERVAL_S)


async def tidy(pool: Pool, settings: Settings, now_ms: int) -> tuple[int, int]:
    """Take old titles out of the row, forget old webhook ids; return the counts. Idempotent.

    Revocations of tokens that have expired are forgotten as well.
    """
    await token_revocations.purge(pool, now_ms)
    left = await clean_rows(pool, now_ms, settings.completed_row_days, settings.abandoned_row_days)
    return left, await webhook_deliveries.purge(pool, now_ms)
