"""What the memory of this process may no longer hold: it names users, and is of no use."""

import asyncio

from api.services import Services

SWEEP_S = 30.0  # cli.erasing.receipt says when an erased user is gone from here
AT_ONCE = 1000  # entries, in about a millisecond: requests wait meanwhile


async def forget(services: Services) -> None:
    """Sweep now and then, for as long as the application runs."""
    while True:
        await services.pause(SWEEP_S)
        await sweep(services)


async def sweep(services: Services) -> None:
    """Drop API keys that are not fresh any more, and counts of calls whose windows are over."""
    dropped = 1
    while dropped:
        dropped = services.key_cache.drop_aged(AT_ONCE) + services.limiter.drop_idle(AT_ONCE)
        await asyncio.sleep(0)
