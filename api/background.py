"""Work that goes on beside the requests for as long as the application runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from infra.abandoned import abandon

log = logging.getLogger(__name__)

AGAIN_S = 5.0
END_S = 1.0  # a statement on a frozen server does not end when it is cancelled

Work = Callable[[], Awaitable[None]]


@asynccontextmanager
async def in_background(work: Work, again_s: float = AGAIN_S) -> AsyncIterator[None]:
    """Run ``work`` beside the block, which ends it; a defect is logged and ``work`` begun again."""
    task = asyncio.create_task(_keep_running(work, again_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=END_S)
        abandon(task)


async def _keep_running(work: Work, again_s: float) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("work in the background failed and begins again")
        await asyncio.sleep(again_s)
