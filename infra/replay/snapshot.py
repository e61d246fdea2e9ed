"""A topic as it was at one moment: every record up to the end offsets found at the start."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka.cluster import Cluster, open_consumer

FETCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """First retained and next offset of each partition of one topic."""

    topic: str
    starts: dict[int, int]
    ends: dict[int, int]

    @property
    def records_max(self) -> int:
        """Upper bound of the records between start and end (compaction leaves holes)."""
        return sum(end - self.starts[number] for number, end in self.ends.items())

    @property
    def whole(self) -> bool:
        """Whether every partition still starts at offset 0."""
        return all(start == 0 for start in self.starts.values())


class Snapshots:
    """Reads topics from their start; one client for many topics."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def bounds(self, topic: str, partitions: int) -> Bounds:
        """Return where ``topic`` starts and ends now."""
        targets = [TopicPartition(topic, number) for number in range(partitions)]
        starts = await self._consumer.beginning_offsets(targets)
        ends = await self._consumer.end_offsets(targets)
        return Bounds(
            topic,
            {target.partition: starts[target] for target in targets},
            {target.partition: ends[target] for target in targets},
        )

    async def records(self, bounds: Bounds, partition: int) -> AsyncIterator[Sequence[Any]]:
        """Yield the aiokafka records of one partition in offset order, batch by batch."""
        target = TopicPartition(bounds.topic, partition)
        start, end = bounds.starts[partition], bounds.ends[partition]
        if start >= end:
            return
        self._consumer.assign([target])
        self._consumer.seek(target, start)
        while await self._consumer.position(target) < end:
            polled = await self._consumer.getmany(target, timeout_ms=1000)
            batch = [record for record in polled.get(target, ()) if record.offset < end]
            if batch:
                yield batch


@asynccontextmanager
async def open_snapshots(cluster: Cluster) -> AsyncIterator[Snapshots]:
    """Open a reader that belongs to no consumer group and commits nothing."""
    async with open_consumer(
        cluster,
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=100,
    ) as consumer:
        yield Snapshots(consumer)
