"""audit_entries -> [outbox] -> operations.audit-entries: entries in order, from a mark on.

The mark moves when Kafka has acknowledged. A process that dies between the two leaves the mark
where it was and its successor sends those entries again: nothing is lost, and readers know an entry
by its number. Any number of processes may run this; the mark's row lock lets one work at a time.
"""

import asyncio
import logging

from domain.audit import UNPUBLISHED_MS_MAX
from infra import metrics
from infra.kafka.cluster import cluster_of
from infra.kafka.producer import EventProducer, KafkaUnavailable, Producer
from infra.postgres.audit import (
    MARK,
    MARKED_ALONE,
    Connection,
    read_after,
    read_clock,
    read_head,
    read_marked,
)
from infra.postgres.pool import UNAVAILABLE, Pool
from infra.settings import Settings
from topics.catalog import AUDIT_ENTRIES

log = logging.getLogger(__name__)

BATCH = 500
INTERVAL_S = 1.0
RETRY_S = 5.0
AWAY: tuple[type[Exception], ...] = (*UNAVAILABLE, KafkaUnavailable)


async def publish_audit(pool: Pool, settings: Settings) -> None:
    """Publish what is new, every second until cancelled; waits for an absent server."""
    producer = EventProducer(
        cluster_of(settings),
        timeout_ms=settings.produce_timeout_ms,
        linger_ms=settings.produce_linger_ms,
    )
    await producer.start()
    try:
        while True:
            pause_s = await _pause_after(pool, producer)
            await asyncio.sleep(pause_s)
    finally:
        await producer.stop()


async def _pause_after(pool: Pool, producer: Producer) -> float:
    """Publish one batch; return how long to wait before the next, seconds."""
    try:
        published = await publish_batch(pool, producer)
    except AWAY as error:
        log.warning("audit entries wait to be published: %s", type(error).__name__)
        return RETRY_S
    return 0.0 if published == BATCH else INTERVAL_S


def _note_unpublished(last: int, marked: int) -> None:
    """Measure what waits; below zero it is what is missing, or will not be published."""
    metrics.AUDIT_UNPUBLISHED.set(last - marked)
    if marked > last:
        log.error(
            "the audit trail ends with entry %d, but is marked as published up to %d: somebody "
            "removed entries or moved the mark, see `media-gateway audit verify`", last, marked,
        )  # fmt: skip


async def _note_held(connection: Connection) -> None:
    """Measure what waits though this process did not get the mark's row; say it when it is long.

    Another worker has the row for a moment. A session that was left open, or that somebody keeps
    open, has it for as long as it likes: meanwhile nothing is published, by any worker.
    """
    marked = await read_marked(connection)
    if marked is None:
        metrics.AUDIT_UNPUBLISHED.set(-1)  # how many wait, nobody knows any more
        log.error("no audit entry is published: the row of audit_published was removed")
        return
    _note_unpublished((await read_head(connection)).sequence, marked)
    for oldest in await read_after(connection, marked, 1):
        waits_ms = await read_clock(connection) - oldest.at_ms
        if waits_ms > UNPUBLISHED_MS_MAX:
            log.warning(
                "audit entry %d waits to be published for %d s: another session holds the row of "
                "audit_published", oldest.sequence, waits_ms // 1000,
            )  # fmt: skip


async def publish_batch(pool: Pool, producer: Producer) -> int:
    """Publish up to ``BATCH`` entries after the mark and move it; return how many.

    Raises:
        KafkaUnavailable: not all were acknowledged; the mark stays.
    """
    async with pool.connection() as connection, connection.transaction():
        row = await (await connection.execute(MARKED_ALONE)).fetchone()
        if row is None:  # another session has it, or nobody ever will
            await _note_held(connection)
            return 0
        entries = await read_after(connection, row[0], BATCH)
        _note_unpublished((await read_head(connection)).sequence, row[0])
        if entries:
            await producer.send_many(AUDIT_ENTRIES, entries)
            await connection.execute(MARK, (entries[-1].sequence,))
            metrics.AUDIT_UNPUBLISHED.dec(len(entries))
        return len(entries)
