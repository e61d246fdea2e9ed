"""What one partner's webhooks became: the newest, how late they were, how good its titles."""

import datetime
from typing import Any, NamedTuple

from infra.postgres.pool import Pool

SAMPLE_MAX = 10_000  # newest deliveries that percentiles are taken over: bounds the statement
CONTENTS_MAX = 10_000  # that the quality is taken over
MISSING_MAX = 12  # fields that quality is made of


class DeliveryLetter(NamedTuple):
    """Why the event of a delivery could not be processed: its newest dead letter."""

    letter_id: int
    reason: str
    detail: str
    failed_at_ms: int
    state: str


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
    letter: DeliveryLetter | None = None


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


class PartnerQuality(NamedTuple):
    """Mean score, 0 to 1, of ``contents`` titles; ``missing`` are (field, titles), most first."""

    contents: int
    mean: float
    missing: tuple[tuple[str, int], ...]


# One look into an index for each delivery of the page.
FETCH = """
SELECT d.webhook_id, d.event_id, d.event_type, d.occurred_at, d.received_at, d.accepted, d.repeats,
       d.repeated_at, l.letter_id, l.reason, l.detail, l.failed_at_ms, l.state
FROM (SELECT * FROM webhook_deliveries
      WHERE partner = %s AND received_at >= %s AND (received_at, webhook_id) < (%s, %s)
      ORDER BY received_at DESC, webhook_id DESC LIMIT %s) AS d
LEFT JOIN LATERAL (
    SELECT letter_id, reason, detail, failed_at_ms, state FROM dead_letters
    WHERE partner = d.partner AND event_id = d.event_id ORDER BY letter_id DESC LIMIT 1) AS l
ON true
ORDER BY d.received_at DESC, d.webhook_id DESC
"""
LAG = f"""
SELECT count(*), percentile_disc(ARRAY[0.5, 0.9, 0.99, 1]) WITHIN GROUP (ORDER BY lag_s) FROM (
    SELECT extract(epoch FROM received_at - occurred_at)::float8 AS lag_s FROM webhook_deliveries
    WHERE partner = %s AND received_at >= %s AND accepted AND occurred_at IS NOT NULL
    ORDER BY received_at DESC LIMIT {SAMPLE_MAX}) AS newest
"""  # noqa: S608 - constants only
QUALITY = f"""
WITH sample AS MATERIALIZED (
    SELECT quality, missing FROM contents
    WHERE partners @> ARRAY[%s] AND quality IS NOT NULL LIMIT {CONTENTS_MAX})
SELECT count(*), avg(quality), (
    SELECT json_agg(json_build_array(name, titles)) FROM (
        SELECT name, count(*) AS titles FROM sample, unnest(missing) AS name
        GROUP BY name ORDER BY titles DESC, name LIMIT {MISSING_MAX}) AS counted)
FROM sample
"""  # noqa: S608


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
            return [_arrived(row) for row in await cursor.fetchall()]

    async def fetch_lag(self, partner: str, since: datetime.datetime) -> Lag | None:
        """Return the percentiles since a moment; None without any delivery."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(LAG, (partner, since))).fetchone()
        return None if row is None or not row[0] else Lag(row[0], *row[1])

    async def fetch_quality(self, partner: str) -> PartnerQuality | None:
        """Return how complete the titles are that the partner has records of; None without any."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(QUALITY, (partner,))).fetchone()
        if row is None or not row[0]:
            return None
        return PartnerQuality(row[0], row[1], tuple((name, count) for name, count in row[2] or ()))


def _arrived(row: tuple[Any, ...]) -> ArrivedDelivery:
    found = ArrivedDelivery(*row[:8])
    return found if row[8] is None else found._replace(letter=DeliveryLetter(*row[8:]))
