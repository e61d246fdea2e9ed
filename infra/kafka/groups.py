"""How far consumer groups are."""

from typing import Any

from aiokafka import TopicPartition

from infra.replay.snapshot import Snapshots


async def committed(admin: Any, group: str, topic: str, partition: int) -> int:
    """Return the offset that a group has committed for a partition, 0 when it has none."""
    found = await admin.list_consumer_group_offsets(group)
    known = found.get(TopicPartition(topic, partition))
    return 0 if known is None else max(0, int(known.offset))


async def end_of(snapshots: Snapshots, topic: str, partitions: int, partition: int) -> int:
    """Return the offset after the last record of a partition."""
    return (await snapshots.bounds(topic, partitions)).ends[partition]
