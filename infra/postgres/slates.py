"""Serving rows of slates: the response body of one user, ready to send."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infra.postgres.erasures import ERASED, count_removed
from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of, newest_per_key


class ServingSlate(NamedTuple):
    """One row to write, or to delete when it is ``removed``.

    ``content_ids`` is comma-separated (unnest flattens arrays of arrays).
    """

    user_id: str
    version: int
    removed: bool
    body: bytes | None = None
    content_ids: str = ""
    as_of_ms: int = 0
    source_offset: int = -1
    model_version: str = ""
    feed: bytes | None = None
    ranking: bytes | None = None
    packed_ranking: bytes | None = None


class ServedSlate(NamedTuple):
    """One user's slate and what the user's watch states include, from one snapshot.

    ``body`` is None when there is no slate. ``removed_ids`` are the contents of the slate that were
    removed since it was made. ``feed`` is the encoded ``SlateFeed``, ``packed_ranking`` the encoded
    ``PackedRanking`` and ``ranking``, of an older slate, the ``SlateRanking``; each when asked for.
    """

    body: bytes | None
    source_offset: int
    removed_ids: tuple[str, ...]
    interaction_offset: int
    recent_events: tuple[str, ...]
    as_of_ms: int | None
    feed: bytes | None = None
    ranking: bytes | None = None
    packed_ranking: bytes | None = None


UPSERT = f"""
WITH {ERASED}
INSERT INTO slates AS t
    (user_id, version, removed, body, content_ids, as_of_ms, source_offset, model_version, feed,
     ranking, packed_ranking)
SELECT user_id, version, removed, body, string_to_array(content_ids, ','), as_of_ms, source_offset,
       model_version, feed, ranking, packed_ranking
FROM unnest(%b::text[], %b::bigint[], %b::boolean[], %b::bytea[], %b::text[], %b::bigint[],
            %b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[])
  AS r (user_id, version, removed, body, content_ids, as_of_ms, source_offset, model_version, feed,
        ranking, packed_ranking)
WHERE NOT EXISTS (SELECT FROM erased e WHERE e.user_id = r.user_id AND r.as_of_ms <= e.at_ms)
ON CONFLICT (user_id) DO UPDATE SET
    version = excluded.version, removed = excluded.removed, body = excluded.body,
    content_ids = excluded.content_ids, as_of_ms = excluded.as_of_ms,
    source_offset = excluded.source_offset, model_version = excluded.model_version,
    feed = excluded.feed, ranking = excluded.ranking, packed_ranking = excluded.packed_ranking
WHERE excluded.version >= t.version
"""  # noqa: S608 - constants only
DELETE = """
DELETE FROM slates t USING unnest(%b::text[], %b::bigint[]) AS r (user_id, version)
WHERE t.user_id = r.user_id AND t.version <= r.version
RETURNING t.user_id
"""
# Removed contents are few and have an index of their own, so the check costs microseconds.
_FETCH = """
SELECT s.body, coalesce(s.source_offset, -1),
       ARRAY(SELECT c.content_id FROM contents c
             WHERE c.removed AND c.content_id = ANY(s.content_ids)),
       coalesce(v.interaction_offset, -1), coalesce(v.recent_events, '{{}}'),
       coalesce(s.as_of_ms, v.as_of_ms){parts}
FROM (SELECT %s::text AS user_id) q
LEFT JOIN slates s ON s.user_id = q.user_id AND NOT s.removed
LEFT JOIN viewers v ON v.user_id = q.user_id
"""
FETCH = _FETCH.format(parts="")
# Kilobytes that a slate alone does not need.
FETCH_WITH_FEED = _FETCH.format(parts=", s.feed")
FETCH_WITH_RANKING = _FETCH.format(parts=", NULL, s.ranking, s.packed_ranking")


async def upsert(
    connection: AsyncConnection[Any], rows: Sequence[ServingSlate], names: Sequence[tuple[str, str]]
) -> None:
    """Write rows and delete the removed ones; an older version never replaces a newer one.

    ``names`` are (user, pseudonym) of the rows: what is older than an erasure is not written, and
    what is deleted is counted with it.
    """
    newest = newest_per_key(rows, lambda row: row.user_id)
    kept = [row for row in newest if not row.removed]
    removed = [(row.user_id, row.version) for row in newest if row.removed]
    if kept:
        parameters = [*columns_of(names), *columns_of(kept)]
        await connection.execute(UPSERT.encode(), parameters)
    if removed:
        async with connection.transaction():
            cursor = await connection.execute(DELETE, columns_of(removed))
            gone = [user_id for (user_id,) in await cursor.fetchall()]
            await count_removed(connection, "slates", gone, names)


class SlateStore:
    """Reads slates by primary key."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, user_id: str) -> ServedSlate:
        """Return the slate of a user; an unknown user has no body."""
        return await self._fetch(FETCH, user_id)

    async def fetch_with_feed(self, user_id: str) -> ServedSlate:
        """Return the slate of a user with the rows that were made with it."""
        return await self._fetch(FETCH_WITH_FEED, user_id)

    async def fetch_with_ranking(self, user_id: str) -> ServedSlate:
        """Return the slate of a user with how it came about."""
        return await self._fetch(FETCH_WITH_RANKING, user_id)

    async def _fetch(self, query: str, user_id: str) -> ServedSlate:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), (user_id,), binary=True)
            row = await cursor.fetchone()
        if row is None:
            raise LookupError("the query always returns one row")
        body, source_offset, removed, interaction_offset, recent, *others = row
        return ServedSlate(
            body, source_offset, tuple(removed), interaction_offset, tuple(recent), *others
        )
