"""Which webhooks were seen: one small row a delivery, written in groups.

Concurrent deliveries share statements: while one is on its way to the database, the next callers
gather, and all of them travel in the next one. Under load that is far less than one statement a
webhook.

Of equal deliveries that arrive together, here or at another API process, one gets the claim and
produces; the others wait for it. A claim ends after ``CLAIM_S``: its holder may have died.
"""

import asyncio
import datetime
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from infra.postgres.grouping import Grouped
from infra.postgres.pool import UNAVAILABLE, Pool
from infra.postgres.rows import columns_of

RETENTION_DAYS = 7  # senders retry for up to 75 hours with the same id and a new timestamp
RETENTION = datetime.timedelta(days=RETENTION_DAYS)
CLAIM_S = 8.0  # as long as a post may take: see api.deadline
GROUP_MAX = 500
RESERVE_GATHER_S = 0.002  # under load: about half of what a statement takes
ACCEPT_GATHER_S = 0.1  # what is accepted within this time travels together
ACCEPT_MAX = 5_000  # in one statement: it must end in time also on a slow database
ACCEPTED_MAX = 50_000  # that wait for an absent database; what is older stays unconfirmed
CLOSE_S = 2.0

log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """One delivery as it came in."""

    partner: str
    webhook_id: str
    body_sha256: bytes
    event_id: str
    event_type: str
    occurred_at: datetime.datetime
    received_at: datetime.datetime


class KnownDelivery(NamedTuple):
    """The first delivery with this id.

    ``accepted``: Kafka has acknowledged it. ``claimed``: it is on the caller to produce it; when it
    is neither, somebody else is about to.
    """

    body_sha256: bytes
    accepted: bool
    claimed: bool = False


# A row that is older than the retention counts as absent, also before housekeeping deletes it.
OLD = f"t.received_at < excluded.received_at - interval '{RETENTION_DAYS} days'"
SAME = f"(NOT {OLD} AND t.body_sha256 = excluded.body_sha256)"
CLAIMABLE = f"(NOT t.accepted AND t.claimed_at < now() - interval '{CLAIM_S} s')"
# One parameter of JSON: an array a column takes the client several times as long to write. Rows
# that were not there before (they have no ``xmax``) are claimed by whoever asks: none comes back.
RESERVE = f"""
WITH known AS (
INSERT INTO webhook_deliveries AS t (partner, webhook_id, body_sha256, event_id, event_type,
                                     occurred_at, received_at, repeats, claimed_at, repeated_at)
SELECT r.partner, r.webhook_id, decode(r.digest, 'hex'), r.event_id, r.event_type, r.occurred_at,
       r.received_at, r.repeats, now(), CASE WHEN r.repeats > 0 THEN r.received_at END
FROM json_to_recordset(%s::json) AS r (partner text, webhook_id text, digest text, event_id text,
    event_type text, occurred_at timestamptz, received_at timestamptz, repeats int8)
ON CONFLICT (partner, webhook_id) DO UPDATE SET
    body_sha256 = CASE WHEN {OLD} THEN excluded.body_sha256 ELSE t.body_sha256 END,
    event_type = CASE WHEN {OLD} THEN excluded.event_type ELSE t.event_type END,
    occurred_at = CASE WHEN {OLD} THEN excluded.occurred_at ELSE t.occurred_at END,
    received_at = CASE WHEN {OLD} THEN excluded.received_at ELSE t.received_at END,
    accepted = t.accepted AND NOT {OLD},
    claimed_at = CASE WHEN {OLD} OR ({SAME} AND {CLAIMABLE}) THEN now() ELSE t.claimed_at END,
    repeats = CASE WHEN {OLD} THEN excluded.repeats
                   WHEN {SAME} THEN t.repeats + 1 + excluded.repeats ELSE t.repeats END,
    repeated_at = CASE WHEN {SAME} THEN excluded.received_at WHEN {OLD} THEN NULL
                       ELSE t.repeated_at END
RETURNING partner, webhook_id, body_sha256, accepted, claimed_at = now(), xmax = 0 AS fresh
) SELECT * FROM known WHERE NOT fresh
"""  # noqa: S608 - constants only
ACCEPT = """
UPDATE webhook_deliveries t SET accepted = true
FROM unnest(%b::text[], %b::text[]) AS r (partner, webhook_id)
WHERE t.partner = r.partner AND t.webhook_id = r.webhook_id
"""
CLAIM = f"""
UPDATE webhook_deliveries t SET claimed_at = CASE WHEN {CLAIMABLE} THEN now() ELSE t.claimed_at END
WHERE partner = %s AND webhook_id = %s
RETURNING partner, webhook_id, body_sha256, accepted, claimed_at = now()
"""  # noqa: S608
RELEASE = """
UPDATE webhook_deliveries SET claimed_at = '-infinity' WHERE partner = %s AND webhook_id = %s
"""
FIND = """
SELECT body_sha256, accepted FROM webhook_deliveries
WHERE partner = %s AND webhook_id = %s AND received_at >= %s
"""
PURGE = "DELETE FROM webhook_deliveries WHERE received_at < %s"


class DeliveryStore:
    """Reserves webhook ids and records which of them Kafka has."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reserving = Grouped(self._reserve, GROUP_MAX, RESERVE_GATHER_S)
        self._accepted: list[tuple[str, str]] = []
        self._recording: asyncio.Task[None] | None = None
        self._closing = False

    async def reserve(self, delivery: Delivery) -> KnownDelivery:
        """Record a delivery unless its id is known; return what is known about the id."""
        return await self._reserving.call(delivery)

    def accept(self, partner: str, webhook_id: str) -> None:
        """Record, soon, that Kafka has the event of this delivery; nobody need wait for it.

        While the database is away it is tried again. If this process dies before, a repetition is
        produced again with the same event id, which consumers drop.
        """
        self._accepted.append((partner, webhook_id))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.ensure_future(self._record())

    async def _record(self) -> None:
        away = False
        while self._accepted:
            await asyncio.sleep(ACCEPT_GATHER_S)
            keys, self._accepted = self._accepted[:ACCEPT_MAX], self._accepted[ACCEPT_MAX:]
            try:
                async with self._pool.connection() as connection:
                    await connection.execute(ACCEPT, columns_of(sorted(set(keys))))
            except UNAVAILABLE as error:
                if not away:  # the next tries only say the same
                    log.warning("accepted deliveries wait to be recorded: %s", type(error).__name__)
                away = True
                self._accepted = (keys + self._accepted)[-ACCEPTED_MAX:]
                if self._closing:
                    return
            else:
                away = False

    async def close(self) -> None:
        """Wait until what was accepted is recorded, for at most ``CLOSE_S``."""
        self._closing = True
        if self._recording is not None:
            await asyncio.wait([self._recording], timeout=CLOSE_S)

    async def claim(self, partner: str, webhook_id: str) -> KnownDelivery | None:
        """Return what is known about an id now, with the claim if it is free; None: forgotten."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(CLAIM, (partner, webhook_id))
            row = await cursor.fetchone()
        return None if row is None else _known(row)

    async def release(self, partner: str, webhook_id: str) -> None:
        """Give a claim back: what was claimed could not be produced, as far as is known."""
        async with self._pool.connection() as connection:
            await connection.execute(RELEASE, (partner, webhook_id))

    async def find(
        self, partner: str, webhook_id: str, at: datetime.datetime
    ) -> KnownDelivery | None:
        """Return what is known about an id at a moment, without recording anything."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FIND, (partner, webhook_id, at - RETENTION))
            row = await cursor.fetchone()
        return None if row is None else KnownDelivery(bytes(row[0]), row[1])

    async def _reserve(self, deliveries: Sequence[Delivery]) -> list[KnownDelivery]:
        # Of equal ids in one group the first one counts, as if they had come one after another.
        first = {(item.partner, item.webhook_id): item for item in reversed(deliveries)}
        rows = dict.fromkeys(first, -1)
        for item in deliveries:
            key = item.partner, item.webhook_id
            rows[key] += item.body_sha256 == first[key].body_sha256
        known = await self._put([_row(first[key], rows[key]) for key in sorted(rows)])
        found = []
        for item in deliveries:
            key = item.partner, item.webhook_id
            is_first = item is first[key]
            there = known.get(key)
            if there is None:
                found.append(KnownDelivery(first[key].body_sha256, False, is_first))
            else:
                found.append(KnownDelivery(there[0], there[1], there[2] and is_first))
        return found

    async def _put(self, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], KnownDelivery]:
        """Write rows, sorted by key; return what is known of those that were there before."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(RESERVE, (orjson.dumps(rows).decode(),), binary=True)
            return {(row[0], row[1]): _known(row) for row in await cursor.fetchall()}


def _row(item: Delivery, repeats: int) -> dict[str, Any]:
    return {
        "partner": item.partner, "webhook_id": item.webhook_id, "digest": item.body_sha256.hex(),
        "event_id": item.event_id, "event_type": item.event_type, "occurred_at": item.occurred_at,
        "received_at": item.received_at, "repeats": repeats,
    }  # fmt: skip


def _known(row: tuple[Any, ...]) -> KnownDelivery:
    return KnownDelivery(bytes(row[2]), row[3], row[4])


async def purge(pool: Pool, now_ms: int) -> int:
    """Forget deliveries older than ``RETENTION_DAYS`` and return how many. Idempotent."""
    now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    async with pool.connection() as connection:
        cursor = await connection.execute(PURGE, (now - RETENTION,))
        return cursor.rowcount
