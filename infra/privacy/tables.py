"""Rows of a user in Postgres: counted, deleted, and searched for in every column of every table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection, sql

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
# What the planner knows of columns: values of some rows, which outlive the rows.
STATISTICS = """
SELECT tablename, attname, ARRAY[
    most_common_vals::text, histogram_bounds::text, most_common_elems::text]
FROM pg_stats WHERE schemaname = current_schema() ORDER BY tablename, attname
"""
PG_STATISTICS = "pg_statistic"
DELETE = "DELETE FROM {table} WHERE {user} = %(user)s AND {own} AND {time} <= %(until)s"
# Of a table that says the time of an event only inside: which rows they are is decided outside.
CANDIDATES = """
SELECT ctid::text, to_jsonb(t) FROM {table} t
WHERE {user} = %(user)s OR ({user} IS NULL AND ({holds}))
"""
DELETE_THESE = "DELETE FROM {table} WHERE ctid = ANY(%s::text[]::tid[])"
COUNT = "SELECT count(*) FROM {table} WHERE {user} = %(user)s AND {own} AND ({time} <= %(until)s"


class TableFinding(NamedTuple):
    """Rows of one table that hold the id.

    ``oldest_ms`` is the oldest of their times, None: not known. ``declared`` says whether they are
    rows of the user by what is declared of the table; if not, the id may be there by coincidence:
    it is also a word.
    """

    table: str
    columns: tuple[str, ...]
    rows: int
    oldest_ms: int | None
    declared: bool


async def count_left(
    pool: Pool, user_id: str, until_ms: int, ends: Mapping[str, int]
) -> dict[str, int]:
    """Return how many rows of before an erasure each declared table has of the user.

    Args:
        pool: open pool.
        user_id: the user.
        until_ms: time of the erasure.
        ends: by topic, the first offset of the user's partition that is not before the erasure. A
            row with an earlier one is of before, whatever a player's clock said.
    """
    found = {}
    async with pool.connection() as connection:
        for table in TABLES:
            if table.happened is not None:
                found[table.name] = len(await _judged(connection, table, user_id, until_ms))
                continue
            statement, parameters = _statement(COUNT, table, user_id, until_ms)
            if table.position is not None:
                column, topic = table.position
                statement += sql.SQL(" OR {} < %(end)s").format(sql.Identifier(column))
                parameters["end"] = ends[topic]
            row = await (await connection.execute(statement + sql.SQL(")"), parameters)).fetchone()
            assert row is not None
            found[table.name] = int(row[0])
    return found


async def delete_rows(
    connection: AsyncConnection[Any], user_id: str, until_ms: int
) -> dict[str, int]:
    """Delete the rows that no sink deletes, of events until then; return how many, by table.

    Call it in a transaction.
    """
    deleted = {}
    for table in TABLES:
        if table.deleted_by != "command":
            continue
        if table.happened is None:
            cursor = await connection.execute(*_statement(DELETE, table, user_id, until_ms))
        else:
            places = await _judged(connection, table, user_id, until_ms, lock=True)
            these = sql.SQL(DELETE_THESE).format(table=sql.Identifier(table.name))
            cursor = await connection.execute(these, (places,))
        deleted[table.name] = cursor.rowcount
    return deleted


async def _judged(
    connection: AsyncConnection[Any],
    table: PersonalTable,
    user_id: str,
    until_ms: int,
    *,
    lock: bool = False,
) -> list[str]:
    """Return where rows of the user are, of events until then; what the search calls the user's."""
    word = Word(user_id)
    holds = [
        sql.SQL("position(%(word)s::bytea IN {}) > 0").format(sql.Identifier(column))
        for column in table.columns
    ]
    statement = sql.SQL(CANDIDATES).format(
        table=sql.Identifier(table.name),
        user=sql.Identifier(table.user),
        holds=sql.SQL(" OR ").join(holds),
    )
    if lock:
        statement += sql.SQL(" FOR UPDATE")
    parameters = {"user": user_id, "word": user_id.encode()}
    rows = await (await connection.execute(statement, parameters)).fetchall()
    return [
        place
        for place, row in rows
        if _is_of_user(table, row, _holding(row, word), word)
        and _is_until(_time_ms(table, row), until_ms)
    ]


def _statement(
    text: str, table: PersonalTable, user_id: str, until_ms: int
) -> tuple[sql.Composed, dict[str, Any]]:
    own: sql.Composable = sql.SQL("true")
    if table.only is not None:
        column, value = table.only
        own = sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
    statement = sql.SQL(text).format(
        table=sql.Identifier(table.name),
        user=sql.Identifier(table.user),
        time=sql.Identifier(table.time),
        own=own,
    )
    return statement, {"user": user_id, "until": until_ms // table.time_ms}


async def search_tables(pool: Pool, word: Word) -> list[TableFinding]:
    """Search every column of every table, and the planner's statistics; return where the id is."""
    findings = []
    async with pool.connection() as connection:
        names = [str(name) for (name,) in await (await connection.execute(LIST_TABLES)).fetchall()]
        for name in names:
            statement = sql.SQL(SEARCH).format(sql.Identifier(name))
            rows = await (await connection.execute(statement, {"id": word.text})).fetchall()
            findings += _findings(name, [row for (row,) in rows], word)
        statistics = await (await connection.execute(STATISTICS)).fetchall()
    return findings + _in_statistics(statistics, word)


def _findings(name: str, rows: Sequence[dict[str, Any]], word: Word) -> list[TableFinding]:
    """Return up to two findings: rows of the user, and rows that only hold the same word."""
    table = next((each for each in TABLES if each.name == name), None)
    found: dict[bool, list[tuple[set[str], int | None]]] = {True: [], False: []}
    for row in rows:
        holding = _holding(row, word)
        if holding:
            declared = table is not None and _is_of_user(table, row, holding, word)
            found[declared].append((holding, None if table is None else _time_ms(table, row)))
    return [
        TableFinding(
            table=name,
            columns=tuple(sorted(set().union(*(holding for holding, _ in each)))),
            rows=len(each),
            oldest_ms=_oldest(at_ms for _, at_ms in each),
            declared=declared,
        )
        for declared, each in found.items()
        if each
    ]


def _holding(row: Mapping[str, Any], word: Word) -> set[str]:
    return {column for column, value in row.items() if word.is_in_json(value)}


def _time_ms(table: PersonalTable, row: Mapping[str, Any]) -> int | None:
    if table.happened is not None:
        return table.happened(row)
    return int(row[table.time]) * table.time_ms


def _is_until(time_ms: int | None, until_ms: int) -> bool:
    return time_ms is None or time_ms <= until_ms


def _oldest(times: Iterable[int | None]) -> int | None:
    """Return the oldest; None where one is not known: it may be older than all others."""
    known: list[int] = []
    for at_ms in times:
        if at_ms is None:
            return None
        known.append(at_ms)
    return min(known)


def _is_of_user(
    table: PersonalTable, row: Mapping[str, Any], holding: set[str], word: Word
) -> bool:
    """Whether a row is the user's: it says so, or it names nobody and holds the id where it may."""
    if table.only is not None and row[table.only[0]] != table.only[1]:
        return False
    if row[table.user] is not None:
        return bool(row[table.user] == word.text)
    others = table.other_owner is not None and row[table.other_owner] is not None
    return not others and not holding.isdisjoint(table.columns)


def _in_statistics(rows: Sequence[tuple[Any, ...]], word: Word) -> list[TableFinding]:
    declared = {(table.name, column) for table in TABLES for column in table.personal}
    return [
        TableFinding(PG_STATISTICS, (f"{name}.{column}",), 1, None, (name, column) in declared)
        for name, column, texts in rows
        if word.is_in_json(texts) or any(word.is_in_hexadecimal(text or "") for text in texts)
    ]
