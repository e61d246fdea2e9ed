"""Serving rows of ranking rules."""

from collections.abc import Sequence

from infra.postgres.bodies import fetch_bodies, upsert_statement
from infra.postgres.pool import Pool

UPSERT = upsert_statement("ranking_rules", "rule_id")
FETCH = "SELECT body FROM ranking_rules WHERE rule_id = ANY(%s) AND NOT removed ORDER BY rule_id"
FETCH_ALL = "SELECT body FROM ranking_rules WHERE NOT removed ORDER BY rule_id"


class RankingRuleStore:
    """Reads ranking rules."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, rule_ids: Sequence[str]) -> list[bytes]:
        """Return the encoded ``RankingRule`` of those that exist, by id."""
        return await fetch_bodies(self._pool, FETCH, (list(rule_ids),))

    async def fetch_all(self) -> list[bytes]:
        """Return every encoded ``RankingRule``, by id."""
        return await fetch_bodies(self._pool, FETCH_ALL, ())
