"""Serving rows of watch states: history and continue watching, by user and title."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infra.postgres import viewers
from infra.postgres.erasures import ERASED, count_removed
from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of, newest_per_key
from schemas.times import DAY_MS

ROW_STATES_MAX = 300  # newest titles of one user that continue watching looks at


class WatchStateRow(NamedTuple):
    """One row to write; ``removed`` rows carry no body and are deleted."""

    user_id: str
    content_id: str
    version: int
    removed: bool
    body: bytes | None = None
    updated_at_ms: int = 0
    completed: bool = False
    resumable: bool = False
    dismissed: bool = False
    hidden: bool = False


class HistoryCursor(NamedTuple):
    """Where a page of history ended; the next one starts just after it."""

    updated_at_ms: int
    content_id: str


# A newer state puts a title back in the row; a replay of the same state leaves the row as the
# cleanup left it.
UPSERT = """
INSERT INTO watch_states AS t
    (user_id, content_id, version, removed, body, updated_at_ms, completed, resumable, dismissed,
     hidden, in_row)
SELECT user_id, content_id, version, removed, body, updated_at_ms, completed, resumable, dismissed,
       hidden, NOT removed
FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::boolean[], %b::bytea[], %b::bigint[],
            %b::boolean[], %b::boolean[], %b::boolean[], %b::boolean[])
  AS r (user_id, content_id, version, removed, body, updated_at_ms, completed, resumable, dismissed,
        hidden)
WHERE NOT EXISTS (SELECT FROM erased e WHERE e.user_id = r.user_id AND r.updated_at_ms <= e.at_ms)
ON CONFLICT (user_id, content_id) DO UPDATE SET
    version = excluded.version, removed = excluded.removed, body = excluded.body,
    updated_at_ms = excluded.updated_at_ms, completed = excluded.completed,
    resumable = excluded.resumable, dismissed = excluded.dismissed, hidden = excluded.hidden,
    in_row = CASE WHEN excluded.version > t.version THEN excluded.in_row ELSE t.in_row END
WHERE excluded.version >= t.version
"""
# One statement is one transaction and one round trip; a statement in WITH is always carried out.
UPSERT_WITH_VIEWERS = f"WITH {ERASED}, states AS ({UPSERT}) {viewers.UPSERT}"
DELETE = """
DELETE FROM watch_states t USING unnest(%b::text[], %b::text[], %b::bigint[])
  AS r (user_id, content_id, version)
WHERE t.user_id = r.user_id AND t.content_id = r.content_id AND t.version <= r.version
RETURNING t.user_id
"""
FETCH_ROW = """
SELECT body FROM watch_states WHERE user_id = %s AND (in_row OR completed) AND NOT removed
ORDER BY updated_at_ms DESC, content_id DESC LIMIT %s
"""
FETCH_HISTORY = """
SELECT body FROM watch_states WHERE user_id = %s AND NOT removed
ORDER BY updated_at_ms DESC, content_id DESC LIMIT %s
"""
FETCH_HISTORY_AFTER = """
SELECT body FROM watch_states
WHERE user_id = %s AND NOT removed AND (updated_at_ms, content_id) < (%s, %s)
ORDER BY updated_at_ms DESC, content_id DESC LIMIT %s
"""
FETCH_OF_TITLE = """
WITH RECURSIVE parts (content_id) AS (
    SELECT %s::text
    UNION
    SELECT part.content_id
    FROM parts
    CROSS JOIN LATERAL (
        SELECT content_id FROM contents WHERE version_of = parts.content_id AND NOT removed
        UNION ALL
        SELECT content_id FROM contents
        WHERE series_id = parts.content_id AND type IN ('season', 'episode') AND NOT removed
    ) part
)
SELECT state.body
FROM parts JOIN watch_states state USING (content_id)
WHERE state.user_id = %s AND NOT state.removed
ORDER BY state.updated_at_ms DESC, state.content_id DESC
"""
# What is hidden stays: a hidden series must not come back when its decision grows old.
CLEAN = """
UPDATE watch_states SET in_row = false
WHERE in_row AND NOT hidden AND (updated_at_ms < %s OR (completed AND updated_at_ms < %s))
"""


async def upsert(
    connection: AsyncConnection[Any],
    rows: Sequence[WatchStateRow],
    known: Sequence[viewers.Viewer],
    names: Sequence[tuple[str, str]],
) -> None:
    """Write rows and, with them, what they say is included; delete the removed ones.

    An older version never replaces a newer one.

    Args:
        connection: outside a transaction.
        rows: to write.
        known: viewers of those rows that are not removed, each at least once.
        names: (user, pseudonym) of all rows: what is older than an erasure is not written, and
            what is deleted is counted with it.
    """
    newest = newest_per_key(rows, lambda row: (row.user_id, row.content_id))
    removed = [(row.user_id, row.content_id, row.version) for row in newest if row.removed]
    kept = [row for row in newest if not row.removed]
    if not removed:
        await _write(connection, kept, known, names)
        return
    async with connection.transaction():
        await _write(connection, kept, known, names)
        cursor = await connection.execute(DELETE, columns_of(removed))
        gone = [user_id for (user_id,) in await cursor.fetchall()]
        await count_removed(connection, "watch_states", gone, names)
        gone = await viewers.delete_without_states(connection, {each[0] for each in removed})
        await count_removed(connection, "viewers", gone, names)


async def _write(
    connection: AsyncConnection[Any],
    kept: Sequence[WatchStateRow],
    known: Sequence[viewers.Viewer],
    names: Sequence[tuple[str, str]],
) -> None:
    if kept:
        parameters = [*columns_of(names), *columns_of(kept), *viewers.parameters_of(known)]
        await connection.execute(UPSERT_WITH_VIEWERS.encode(), parameters)


async def clean_rows(pool: Pool, now_ms: int, completed_days: int, abandoned_days: int) -> int:
    """Take old titles out of the row and return how many; history keeps them. Idempotent.

    Args:
        pool: open pool.
        now_ms: the clock, Unix milliseconds.
        completed_days: completed titles leave when last touched longer ago than this.
        abandoned_days: the same for all other titles.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            CLEAN, (now_ms - abandoned_days * DAY_MS, now_ms - completed_days * DAY_MS)
        )
        return cursor.rowcount


class WatchStateStore:
    """Reads watch states as encoded bytes, newest first."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_row(self, user_id: str) -> list[bytes]:
        """Return what continue watching is made from, newest first.

        That is what the cleanup left in the row, and finished titles however old: a new episode
        may follow long after the last one.
        """
        return await self._bodies(FETCH_ROW, (user_id, ROW_STATES_MAX))

    async def fetch_history(
        self, user_id: str, limit: int, after: HistoryCursor | None
    ) -> list[bytes]:
        """Return at most ``limit`` states, starting after the cursor."""
        if after is None:
            return await self._bodies(FETCH_HISTORY, (user_id, limit))
        return await self._bodies(FETCH_HISTORY_AFTER, (user_id, *after, limit))

    async def fetch_of_title(self, user_id: str, content_id: str) -> list[bytes]:
        """Return the states of a title and of its seasons, episodes and versions."""
        return await self._bodies(FETCH_OF_TITLE, (content_id, user_id))

    async def _bodies(self, query: str, parameters: tuple[Any, ...]) -> list[bytes]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return [bytes(body) for (body,) in await cursor.fetchall()]
