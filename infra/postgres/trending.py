"""Serving rows of trending: the latest partial of each user partition."""

from infra.postgres.bodies import fetch_bodies, upsert_statement
from infra.postgres.pool import Pool

UPSERT = upsert_statement("trending_partials", "shard")
FETCH = "SELECT body FROM trending_partials WHERE NOT removed ORDER BY shard"


class TrendingStore:
    """Reads trending partials."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_partials(self) -> list[bytes]:
        """Return all encoded ``TrendingPartial`` records, by shard: one a user partition."""
        return await fetch_bodies(self._pool, FETCH, ())
