"""What one partner's webhooks became: the newest rows, and how late they were."""

import datetime
from typing import NamedTuple

from infra.postgres.pool import Pool

SAMPLE_MAX = 10_000  # newest deliveries that percentiles are taken over: bounds the statement


class ArrivedDelivery(NamedTuple):
    """One webhook id; ``occurred_at`` is None in rows of before it was kept."""

    webhook_id: str
    event_id: str
    event_type: str
    occurred_at: datetime.datetime | None
    received_at: datetime.datetime
    accepted: bool
    repeats: int
    repeated_at: datetime.datetime | None


class DeliveryPosition(NamedTuple):
    """Where a page ends."""

    received_at: datetime.datetime
    webhook_id: str


class Lag(NamedTuple):
    """Percentiles of received minus occurred, seconds, over ``deliveries`` accepted ones."""

    deliveries: int
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


FETCH = """
SELECT webhook_id, event_id, event_type, occurred_at, received_at, accepted, repeats, repeated_at
FROM webhook_deliveries
WHERE partner = %s AND received_at >= %s AND (received_at, webhook_id) < (%s, %s)
ORDER BY received_at DESC, webhook_id DESC LIMIT %s
"""
LAG = f"""
SELECT count(*), percentile_disc(ARRAY[0.5, 0.9, 0.99, 1]) WITHIN GROUP (ORDER BY lag_s) FROM (
    SELECT extract(epoch FROM received_at - occurred_at)::float8 AS lag_s FROM webhook_deliveries
    WHERE partner = %s AND received_at >= %s AND accepted AND occurred_at IS NOT NULL
    ORDER BY received_at DESC LIMIT {SAMPLE_MAX}) AS newest
"""  # noqa: S608 - constants only


class PartnerDeliveryStore:
    """Reads the deliveries of one partner."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(
        self, partner: str, since: datetime.datetime, limit: int, before: DeliveryPosition
    ) -> list[ArrivedDelivery]:
        """Return the newest ``limit`` deliveries since a moment that come after ``before``."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH, (partner, since, *before, limit))
            return [ArrivedDelivery(*row) for row in await cursor.fetchall()]

    async def fetch_lag(self, partner: str, since: datetime.datetime) -> Lag | None:
        """Return the percentiles since a moment; None without any delivery."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(LAG, (partner, since))).fetchone()
        return None if row is None or not row[0] else Lag(row[0], *row[1])
