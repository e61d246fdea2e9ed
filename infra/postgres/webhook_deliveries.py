"""Which webhooks were seen: one small row a delivery, written in groups.

Concurrent deliveries share statements: while one is on its way to the database, the next callers
gather, and all of them travel in the next one. Under load that is far less than one statement a
webhook.
"""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from infra.postgres.grouping import Grouped
from infra.postgres.pool import Pool
from infra.postgres.rows import newest_per_key, transposed

RETENTION_DAYS = 7  # senders retry for up to 75 hours with the same id and a new timestamp
GROUP_MAX = 500


class Delivery(NamedTuple):
    """One delivery as it came in."""

    partner: str
    webhook_id: str
    body_sha256: bytes
    event_id: str
    received_at: datetime.datetime


class KnownDelivery(NamedTuple):
    """The first delivery with this id: ``accepted`` means that Kafka has acknowledged it."""

    body_sha256: bytes
    accepted: bool


# The update changes nothing: it makes RETURNING give the row that is already there.
RESERVE = """
INSERT INTO webhook_deliveries AS t (partner, webhook_id, body_sha256, event_id, received_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[], %s::timestamptz[])
ON CONFLICT (partner, webhook_id) DO UPDATE SET accepted = t.accepted
RETURNING partner, webhook_id, body_sha256, accepted
"""
ACCEPT = """
UPDATE webhook_deliveries t SET accepted = true
FROM unnest(%s::text[], %s::text[]) AS r (partner, webhook_id)
WHERE t.partner = r.partner AND t.webhook_id = r.webhook_id
"""
FIND = """
SELECT body_sha256, accepted FROM webhook_deliveries WHERE partner = %s AND webhook_id = %s
"""
PURGE = "DELETE FROM webhook_deliveries WHERE received_at < %s"


class DeliveryStore:
    """Reserves webhook ids and records which of them Kafka has."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reserving = Grouped(self._reserve, GROUP_MAX)
        self._accepting = Grouped(self._accept, GROUP_MAX)

    async def reserve(self, delivery: Delivery) -> KnownDelivery:
        """Record a delivery unless its id is known; return what is known about the id."""
        return await self._reserving.call(delivery)

    async def accept(self, partner: str, webhook_id: str) -> None:
        """Record that Kafka has the event of this delivery."""
        await self._accepting.call((partner, webhook_id))

    async def find(self, partner: str, webhook_id: str) -> KnownDelivery | None:
        """Return what is known about an id, without recording anything."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (partner, webhook_id))).fetchone()
        return None if row is None else KnownDelivery(bytes(row[0]), row[1])

    async def _reserve(self, deliveries: Sequence[Delivery]) -> list[KnownDelivery]:
        # Of equal ids in one group the first one counts, as if they had come one after another.
        first = newest_per_key(deliveries[::-1], lambda item: (item.partner, item.webhook_id))
        async with self._pool.connection() as connection:
            cursor = await connection.execute(RESERVE, transposed(first))
            known = {
                (row[0], row[1]): KnownDelivery(bytes(row[2]), row[3])
                for row in await cursor.fetchall()
            }
        return [known[item.partner, item.webhook_id] for item in deliveries]

    async def _accept(self, keys: Sequence[tuple[str, str]]) -> list[None]:
        async with self._pool.connection() as connection:
            await connection.execute(ACCEPT, transposed(sorted(set(keys))))
        return [None] * len(keys)


async def purge(pool: Pool, now_ms: int) -> int:
    """Forget deliveries older than ``RETENTION_DAYS`` and return how many. Idempotent."""
    now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    async with pool.connection() as connection:
        cursor = await connection.execute(PURGE, (now - datetime.timedelta(days=RETENTION_DAYS),))
        return cursor.rowcount
