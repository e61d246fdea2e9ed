"""Serving rows of co-watch neighbours: the top-K of each title."""

from infra.postgres.bodies import fetch_bodies, upsert_statement
from infra.postgres.pool import Pool

UPSERT = upsert_statement("neighbours", "content_id")
FETCH = "SELECT body FROM neighbours WHERE content_id = %s AND NOT removed"


class NeighbourStore:
    """Reads neighbours."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, content_id: str) -> bytes | None:
        """Return the encoded ``Neighbours`` of a title, None when the model does not have it."""
        found = await fetch_bodies(self._pool, FETCH, (content_id,))
        return found[0] if found else None
