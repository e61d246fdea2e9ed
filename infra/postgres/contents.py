"""Serving rows of contents: canonical bytes by content_id, and the few columns asked for."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of, newest_per_key

EPISODES_MAX = 5000  # of all series asked for at once; the longest daily series have about 15 k


class ContentRow(NamedTuple):
    """One row to write; ``removed`` rows carry nothing else."""

    content_id: str
    version: int
    removed: bool
    body: bytes | None = None
    type: str | None = None
    title: str | None = None
    version_of: str | None = None
    series_id: str | None = None
    partners: str | None = None  # comma-separated: unnest() flattens arrays of arrays
    quality: float | None = None
    missing: str | None = None  # comma-separated as well


class ContentFacts(NamedTuple):
    """What accepting a progress event needs to know about a content."""

    type: str
    version_of: str | None
    partners: tuple[str, ...]


UPSERT = """
INSERT INTO contents AS t
    (content_id, version, removed, body, type, title, version_of, series_id, partners, quality,
     missing, arrived)
SELECT content_id, version, removed, body, type, title, version_of, series_id,
       string_to_array(partners, ','), quality, string_to_array(missing, ','), arrived
FROM unnest(%b::text[], %b::bigint[], %b::boolean[], %b::bytea[], %b::text[], %b::text[],
            %b::text[], %b::text[], %b::text[], %b::float8[], %b::text[], %b::bigint[])
  AS r (content_id, version, removed, body, type, title, version_of, series_id, partners, quality,
        missing, arrived)
ON CONFLICT (content_id) DO UPDATE SET
    version = excluded.version, removed = excluded.removed, body = excluded.body,
    type = excluded.type, title = excluded.title, version_of = excluded.version_of,
    series_id = excluded.series_id, partners = excluded.partners,
    quality = excluded.quality, missing = excluded.missing
WHERE excluded.version >= t.version
RETURNING content_id
"""
FETCH = "SELECT content_id, body FROM contents WHERE content_id = ANY(%s) AND NOT removed"
FETCH_EPISODES = """
SELECT body FROM contents WHERE series_id = ANY(%s) AND NOT removed ORDER BY content_id LIMIT %s
"""
FETCH_REMOVED = "SELECT content_id FROM contents WHERE content_id = ANY(%s) AND removed"
FETCH_FACTS = """
SELECT content_id, type, version_of, partners FROM contents
WHERE content_id = ANY(%s) AND NOT removed
"""
FETCH_NEWEST = """
SELECT body FROM contents
WHERE NOT removed AND version_of IS NULL AND type NOT IN ('season', 'episode')
ORDER BY arrived DESC LIMIT %s
"""


async def upsert(connection: AsyncConnection[Any], rows: Sequence[ContentRow]) -> set[str]:
    """Write rows and return the ids written; an older version never replaces a newer one."""
    kept = newest_per_key(rows, lambda row: row.content_id)
    if not kept:
        return set()
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.content_id, row.version)
    arrived = [(*row, first[row.content_id]) for row in kept]
    cursor = await connection.execute(UPSERT, columns_of(arrived))
    return {str(content_id) for (content_id,) in await cursor.fetchall()}


class ContentStore:
    """Reads contents. Every method raises ``pool.UNAVAILABLE`` errors when Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, content_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the canonical bytes of those that are known and not removed."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH, (list(content_ids),))
            return {str(key): bytes(body) for key, body in await cursor.fetchall()}

    async def fetch_removed(self, content_ids: Sequence[str]) -> set[str]:
        """Return those that were announced once and removed since."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_REMOVED, (list(content_ids),))
            return {str(key) for (key,) in await cursor.fetchall()}

    async def fetch_episodes(self, series_ids: Sequence[str]) -> list[bytes]:
        """Return the canonical bytes of the seasons and episodes of the series, by content_id."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_EPISODES, (list(series_ids), EPISODES_MAX))
            return [bytes(body) for (body,) in await cursor.fetchall()]

    async def fetch_newest(self, limit: int) -> list[bytes]:
        """Return the canonical bytes of the whole titles that arrived last, the newest first."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_NEWEST, (limit,))
            return [bytes(body) for (body,) in await cursor.fetchall()]

    async def fetch_facts(self, content_ids: Sequence[str]) -> dict[str, ContentFacts]:
        """Return type, main version and partners of the known ones."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_FACTS, (list(content_ids),))
            return {
                str(key): ContentFacts(str(kind), version_of, tuple(partners or ()))
                for key, kind, version_of, partners in await cursor.fetchall()
            }
