"""What time alone changes in the serving rows, by a timer. Any number of processes may run it."""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from infra import metrics
from infra.postgres import (
    dead_letters,
    token_revocations,
    webhook_deliveries,
    webhook_refusals,
)
from infra.postgres.pool import UNAVAILABLE, Pool
from infra.postgres.watch_states import clean_rows
from infra.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_S = 600.0
RETRY_S = 30.0
COUNT_INTERVAL_S = 15.0


class Tidied(NamedTuple):
    """How much was too old: titles out of the row, webhook ids and dead letters forgotten."""

    titles: int
    webhook_ids: int
    dead_letters: int


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


async def tidy(pool: Pool, settings: Settings, now_ms: int) -> Tidied:
    """Remove what is too old; return the counts. Idempotent."""
    await webhook_refusals.purge(pool, now_ms)
    await token_revocations.purge(pool, now_ms)
    return Tidied(
        await clean_rows(pool, now_ms, settings.completed_row_days, settings.abandoned_row_days),
        await webhook_deliveries.purge(pool, now_ms),
        await dead_letters.purge(pool, now_ms, settings.dead_letter_days),
    )


async def count_dead_letters(pool: Pool) -> None:
    """Keep the gauge of dead letters current until cancelled; an absent database leaves it."""
    shown: dict[dead_letters.LetterGroup, int] = {}
    while True:
        try:
            counted = await dead_letters.count(pool)
        except UNAVAILABLE as error:
            log.warning("dead letters are not counted: %s", type(error).__name__)
        else:
            # A group that is gone has 0: a gauge that disappears ends no alert.
            shown = dict.fromkeys(shown, 0) | counted
            for group, number in shown.items():
                metrics.DEAD_LETTERS.labels(*group).set(number)
        await asyncio.sleep(COUNT_INTERVAL_S)
