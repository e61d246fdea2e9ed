"""A small compacted topic as a table for a command: read it whole, set or remove one row."""

from infra.kafka.admin import TopicsError, list_topics
from infra.kafka.cluster import Cluster, open_producer
from infra.kafka.routing import partition_of
from infra.replay.snapshot import open_snapshots
from topics.spec import TopicSpec


async def read_rows(cluster: Cluster, topic: TopicSpec) -> dict[bytes, bytes]:
    """Return the latest value of each key.

    Raises:
        TopicsError: the cluster does not answer, or lacks the topic.
    """
    if topic.name not in await list_topics(cluster):
        raise TopicsError(f"no topic {topic.name}: create it with `media-gateway topics apply`")
    rows: dict[bytes, bytes] = {}
    async with open_snapshots(cluster) as snapshots:
        bounds = await snapshots.bounds(topic.name, topic.partitions)
        for partition in bounds.ends:
            async for records in snapshots.records(bounds, partition):
                for record in records:
                    rows.pop(record.key, None)
                    if record.value is not None:
                        rows[record.key] = record.value
    return rows


async def write_rows(cluster: Cluster, topic: TopicSpec, rows: dict[bytes, bytes | None]) -> None:
    """Set rows, or remove those given as None; return when all in-sync replicas have them.

    Raises:
        KafkaError: the cluster did not acknowledge one; those before it are set.
    """
    async with open_producer(cluster, acks="all", enable_idempotence=True) as producer:
        for key, value in rows.items():
            partition = partition_of(key, topic.partitions)
            await producer.send_and_wait(topic.name, value, key, partition)
