"""Rows of a user in Postgres: counted, deleted, and searched for in every column of every table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import sql

from infra.postgres.pool import Pool
from infra.privacy.catalogue import TABLES, PersonalTable
from infra.privacy.words import Word

LIST_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'm', 'p')
ORDER BY c.relname
"""
# What may hold the id, also as hexadecimal digits of bytes; which really does is decided outside.
SEARCH = """
SELECT to_jsonb(t) FROM {} t
WHERE strpos(t::text, %(id)s) > 0 OR strpos(t::text, encode(%(id)s::text::bytea, 'hex')) > 0
"""
COUNT = "SELECT count(*) FROM {} WHERE user_id = %s AND {} <= %s"
DELETE = "DELETE FROM {} WHERE user_id = %s AND {} <= %s"


class TableFinding(NamedTuple):
    """Rows of one table that hold the id; ``newest_ms`` is their newest time, None: not known."""

    table: str
    columns: tuple[str, ...]
    rows: int
    newest_ms: int | None


async def count_rows(pool: Pool, user_id: str, until_ms: int) -> dict[str, int]:
    """Return how many rows of the user each declared table has, of events until then."""
    found = {}
    async with pool.connection() as connection:
        for table in TABLES:
            cursor = await connection.execute(_named(COUNT, table), (user_id, until_ms))
            row = await cursor.fetchone()
            assert row is not None
            found[table.name] = int(row[0])
    return found


async def delete_rows(pool: Pool, user_id: str, until_ms: int) -> None:
    """Delete the rows that no sink deletes, of events until then."""
    async with pool.connection() as connection, connection.transaction():
        for table in TABLES:
            if table.deleted_by == "command":
                await connection.execute(_named(DELETE, table), (user_id, until_ms))


def _named(statement: str, table: PersonalTable) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table.name), sql.Identifier(table.time))


async def search_tables(pool: Pool, word: Word) -> list[TableFinding]:
    """Search every column of every table; return where the id is."""
    findings = []
    async with pool.connection() as connection:
        names = [str(name) for (name,) in await (await connection.execute(LIST_TABLES)).fetchall()]
        for name in names:
            statement = sql.SQL(SEARCH).format(sql.Identifier(name))
            rows = await (await connection.execute(statement, {"id": word.text})).fetchall()
            finding = _finding(name, [row for (row,) in rows], word)
            if finding is not None:
                findings.append(finding)
    return findings


def _finding(table: str, rows: Sequence[dict[str, Any]], word: Word) -> TableFinding | None:
    columns: set[str] = set()
    times: list[int] = []
    count = 0
    time = next((each.time for each in TABLES if each.name == table), None)
    for row in rows:
        holding = {name for name, value in row.items() if word.is_in_json(value)}
        if holding:
            count += 1
            columns |= holding
            times += [row[time]] if time else []
    if not count:
        return None
    return TableFinding(table, tuple(sorted(columns)), count, max(times, default=None))
