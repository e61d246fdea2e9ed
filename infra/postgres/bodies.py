"""Serving rows of one key and one body: trending partials, neighbours, models, features."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of, newest_per_key


class BodyRow(NamedTuple):
    """One row to write; ``removed`` rows carry no body."""

    key: str
    version: int
    removed: bool
    body: bytes | None = None


def upsert_statement(table: str, key: str) -> str:
    """Return the guarded upsert of a table with columns ``key``, version, removed, body."""
    return f"""
INSERT INTO {table} AS t ({key}, version, removed, body)
SELECT * FROM unnest(%b::text[], %b::bigint[], %b::boolean[], %b::bytea[])
ON CONFLICT ({key}) DO UPDATE SET
    version = excluded.version, removed = excluded.removed, body = excluded.body
WHERE excluded.version >= t.version
"""  # noqa: S608 - table and column names are constants of the modules that call this


async def upsert(connection: AsyncConnection[Any], statement: str, rows: Sequence[BodyRow]) -> None:
    """Write rows with ``statement``; an older version never replaces a newer one."""
    kept = newest_per_key(rows, lambda row: row.key)
    if kept:
        await connection.execute(statement.encode(), columns_of(kept))


async def fetch_bodies(pool: Pool, query: str, parameters: Sequence[Any]) -> list[bytes]:
    """Return the first column of every row as bytes."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query.encode(), parameters)
        return [bytes(body) for (body,) in await cursor.fetchall()]
