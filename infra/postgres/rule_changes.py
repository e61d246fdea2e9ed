"""Changes of ranking rules that wait for Kafka, and whose turn it is to make or send some."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from infra.postgres.audit import Connection
from infra.postgres.pool import Pool

ADVISORY_LOCK = 0x6D67_7275_6C65_73
LOCK = "SELECT pg_advisory_xact_lock(%s)"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
INSERT = "INSERT INTO ranking_rule_changes (rule_id, body) VALUES (%s, %s)"
WAITING = "SELECT change_id, rule_id, body FROM ranking_rule_changes ORDER BY change_id"
ANY = "SELECT EXISTS (SELECT FROM ranking_rule_changes)"
FORGET = "DELETE FROM ranking_rule_changes WHERE change_id = ANY(%s)"


class WaitingChange(NamedTuple):
    """A rule as it is to be in Kafka; without ``body`` it is removed."""

    change_id: int
    rule_id: str
    body: bytes | None


@asynccontextmanager
async def turn(pool: Pool) -> AsyncIterator[Connection]:
    """Open a transaction in which no other process changes or sends rules; waits for its turn."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(LOCK, (ADVISORY_LOCK,))
        yield connection


@asynccontextmanager
async def turn_if_free(pool: Pool) -> AsyncIterator[Connection | None]:
    """Open a transaction as ``turn`` does; gives None where another process has the turn."""
    async with pool.connection() as connection, connection.transaction():
        row = await (await connection.execute(TRY_LOCK, (ADVISORY_LOCK,))).fetchone()
        yield connection if row is not None and row[0] else None


async def add(connection: Connection, rule_id: str, body: bytes | None) -> None:
    """Keep a change until it is sent."""
    await connection.execute(INSERT, (rule_id, body))


async def waiting(connection: Connection) -> list[WaitingChange]:
    """Return what is not sent yet, oldest first."""
    rows = await (await connection.execute(WAITING)).fetchall()
    return [WaitingChange(number, rule_id, _bytes(body)) for number, rule_id, body in rows]


async def is_any_waiting(pool: Pool) -> bool:
    """Whether something is not sent yet."""
    async with pool.connection() as connection:
        row = await (await connection.execute(ANY)).fetchone()
    return bool(row and row[0])


async def forget(connection: Connection, changes: list[WaitingChange]) -> None:
    """Remove what Kafka has acknowledged."""
    await connection.execute(FORGET, ([each.change_id for each in changes],))


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)
