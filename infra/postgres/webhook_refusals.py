"""Refused webhooks of known partners: the newest one by one, all of them counted by the hour.

Bounded whatever is sent: counts are as many rows as reasons and hours, kept for ``COUNTS_DAYS``;
listed are the newest ``LISTED_MAX`` of a partner, and only what was signed by it.
"""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from infra.postgres.pool import Pool
from infra.postgres.rows import transposed

LISTED_MAX = 1000
COUNTS_DAYS = 30
DETAIL_LENGTH_MAX = 300


class Refusal(NamedTuple):
    """One refused delivery that had a valid signature."""

    partner: str
    webhook_id: str
    reason: str
    detail: str
    refused_at: datetime.datetime


class RefusalCount(NamedTuple):
    """How many deliveries were refused for one reason in one hour, and what the last one was."""

    partner: str
    hour: datetime.datetime
    reason: str
    refused: int
    last_at: datetime.datetime
    detail: str


class ListedRefusal(NamedTuple):
    """One refusal as it is read; of one moment, ``refusal_id`` grows with time."""

    refusal_id: int
    webhook_id: str
    reason: str
    detail: str
    refused_at: datetime.datetime


class RefusalPosition(NamedTuple):
    """Where a page ends."""

    refused_at: datetime.datetime
    refusal_id: int


# A partner that was deleted meanwhile has no rows; its refusals are dropped.
INSERT = """
INSERT INTO webhook_refusals (partner, webhook_id, reason, detail, refused_at)
SELECT r.partner, r.webhook_id, r.reason, r.detail, r.refused_at
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
    WITH ORDINALITY AS r (partner, webhook_id, reason, detail, refused_at, nth)
WHERE EXISTS (SELECT 1 FROM partners p WHERE p.partner = r.partner)
ORDER BY r.nth  -- ids in the order given, whatever plan the condition gets
"""
TRIM = f"""
DELETE FROM webhook_refusals t
USING unnest(%s::text[]) AS r (partner), LATERAL (
    SELECT refused_at, refusal_id FROM webhook_refusals x WHERE x.partner = r.partner
    ORDER BY refused_at DESC, refusal_id DESC OFFSET {LISTED_MAX} LIMIT 1) AS edge
WHERE t.partner = r.partner
  AND (t.refused_at, t.refusal_id) <= (edge.refused_at, edge.refusal_id)
"""  # noqa: S608 - constants only
COUNT = """
INSERT INTO webhook_refusal_counts AS t (partner, hour, reason, refused, last_at, detail)
SELECT r.* FROM unnest(%s::text[], %s::timestamptz[], %s::text[], %s::bigint[], %s::timestamptz[],
                       %s::text[]) AS r (partner, hour, reason, refused, last_at, detail)
WHERE EXISTS (SELECT 1 FROM partners p WHERE p.partner = r.partner)
ON CONFLICT (partner, hour, reason) DO UPDATE SET
    refused = t.refused + excluded.refused,
    detail = CASE WHEN excluded.last_at >= t.last_at THEN excluded.detail ELSE t.detail END,
    last_at = greatest(t.last_at, excluded.last_at)
"""
LIST = """
SELECT refusal_id, webhook_id, reason, detail, refused_at FROM webhook_refusals
WHERE partner = %s AND (refused_at, refusal_id) < (%s, %s)
ORDER BY refused_at DESC, refusal_id DESC LIMIT %s
"""
# The detail of the newest hour of each day and reason.
BY_DAY = """
SELECT date_trunc('day', hour, 'UTC') AS day, reason, sum(refused)::bigint, max(last_at),
       (array_agg(detail ORDER BY last_at DESC))[1]
FROM webhook_refusal_counts WHERE partner = %s AND hour >= %s
GROUP BY day, reason ORDER BY day DESC, reason
"""
PURGE = "DELETE FROM webhook_refusal_counts WHERE hour < %s"


class RefusalStore:
    """Writes refusals in groups and reads those of one partner."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def write(self, refusals: Sequence[Refusal], counts: Sequence[RefusalCount]) -> None:
        """Store both, all or nothing. One count per partner, hour and reason."""
        ordered = sorted(counts)  # locks in one order: two writers cannot deadlock
        async with self._pool.connection() as connection, connection.transaction():
            if ordered:
                await connection.execute(COUNT, transposed(ordered))
            if refusals:
                await connection.execute(INSERT, transposed(refusals))
                await connection.execute(TRIM, (sorted({item.partner for item in refusals}),))

    async def fetch(self, partner: str, limit: int, before: RefusalPosition) -> list[ListedRefusal]:
        """Return the newest ``limit`` listed refusals that come after ``before``."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(LIST, (partner, *before, limit))
            return [ListedRefusal(*row) for row in await cursor.fetchall()]

    async def fetch_by_day(self, partner: str, since: datetime.datetime) -> list[RefusalCount]:
        """Return the counts per UTC day (as ``hour``: its first) and reason, newest day first."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(BY_DAY, (partner, since))
            return [RefusalCount(partner, *row) for row in await cursor.fetchall()]


async def purge(pool: Pool, now_ms: int) -> int:
    """Forget counts older than ``COUNTS_DAYS`` and return how many rows. Idempotent."""
    now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    async with pool.connection() as connection:
        cursor = await connection.execute(PURGE, (now - datetime.timedelta(days=COUNTS_DAYS),))
        return cursor.rowcount
