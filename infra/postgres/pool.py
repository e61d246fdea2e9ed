"""Database URL -> bounded pool of autocommit connections, usable before the database is there."""

import asyncio
from typing import TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from infra.abandoned import abandon
from infra.settings import Settings

Pool: TypeAlias = AsyncConnectionPool[AsyncConnection[TupleRow]]

# The database is away, too slow, or closing: ask again later. PoolTimeout is an OperationalError.
UNAVAILABLE: tuple[type[Exception], ...] = (psycopg.OperationalError, psycopg.InterfaceError)

WAIT_S = 2.0  # for a free connection; a reader gets 503 well inside its own deadline
READY_S = 2.0  # a frozen server counts as away
RECONNECT_S = 5.0  # short: after it, the next caller starts a new attempt at once
STATEMENT_TIMEOUT_MS = 30_000  # a large batch; the API gives a shorter one


def create_pool(
    settings: Settings,
    *,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    synchronous_commit: bool = True,
) -> Pool:
    """Return a closed pool; ``await pool.open()`` starts it and does not wait for the database.

    Connections are in autocommit mode, so a read is one round trip; writers of several statements
    use ``connection.transaction()``.

    Args:
        settings: where the database is and how many connections this process may have.
        statement_timeout_ms: the server ends a longer statement; 0 means no limit.
        synchronous_commit: whether a commit waits for the disk; without it a crash of the server
            may lose the last half second, never consistency.
    """
    return AsyncConnectionPool(
        settings.database_url,
        kwargs={
            "autocommit": True,
            "connect_timeout": 3,
            "options": f"-c statement_timeout={statement_timeout_ms} "
            f"-c synchronous_commit={'on' if synchronous_commit else 'off'}",
        },
        min_size=1,
        max_size=settings.database_pool_max,
        timeout=WAIT_S,
        reconnect_timeout=RECONNECT_S,
        max_waiting=1000,
        open=False,
    )


async def is_ready(pool: Pool) -> bool:
    """Whether a statement goes through now; said within ``READY_S``, also of a frozen server."""
    task = asyncio.ensure_future(_answers(pool))
    try:
        done, _ = await asyncio.wait({task}, timeout=READY_S)
    except asyncio.CancelledError:
        task.cancel()
        abandon(task)
        raise
    if not done:
        abandon(task)
        return False
    return task.result()


async def _answers(pool: Pool) -> bool:
    try:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
    except UNAVAILABLE:
        return False
    return True
