"""The mark of an erasure: one record among the user's own events."""

import secrets

from infra.kafka.cluster import Cluster, open_producer
from infra.kafka.delivery import Produced
from infra.kafka.routing import partition_of
from schemas.codec import encode
from schemas.progress import ALL_TITLES, ProgressEvent
from topics.catalog import PROGRESS


def mark_of(
    user_id: str, pseudonym: str, erased_at_ms: int, content_id: str = ALL_TITLES
) -> ProgressEvent:
    """Return the mark; it may name one title whose state the ledger no longer holds."""
    return ProgressEvent(
        event_id=f"erasure-{secrets.token_hex(8)}",
        user_id=user_id,
        content_id=content_id,
        session_id="erasure",
        device_id=pseudonym,
        state="erased",
        occurred_at_ms=erased_at_ms,
        accepted_at_ms=erased_at_ms,
    )


async def write_marks(cluster: Cluster, marks: list[ProgressEvent]) -> Produced:
    """Write marks of one user and return where the last one is; all replicas have them then.

    Raises:
        KafkaError: the cluster did not acknowledge one.
    """
    async with open_producer(cluster, acks="all", enable_idempotence=True) as producer:
        for mark in marks:
            key = PROGRESS.key_of(mark)
            partition = partition_of(key, PROGRESS.partitions)
            sent = await producer.send_and_wait(PROGRESS.name, encode(mark), key, partition)
    return Produced(sent.partition, sent.offset)
