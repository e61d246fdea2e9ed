"""Replicated topics: read whole at start, then followed. The content side of every slate worker."""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import TopicPartition

from agents.spec import Record
from infra.kafka.cluster import Cluster, new_consumer, start
from topics.spec import TopicSpec

Deliver = Callable[[TopicSpec, Sequence[Record]], None]
FETCH_BYTES = 2 * 1024 * 1024
# Nobody waits for one record of a replica, so the broker gathers them for this long: a topic that
# gets a thousand records a second then costs 4 requests instead of hundreds.
GATHER_MS = 250
GATHER_BYTES = 1024 * 1024  # as much is sent at once: a backlog is read without pauses


class ReplicaReader:
    """Feeds every record of some topics to ``deliver``, without a consumer group."""

    def __init__(self, cluster: Cluster, topics: Sequence[TopicSpec], deliver: Deliver) -> None:
        self._cluster = cluster
        self._topics = {topic.name: topic for topic in topics}
        self._deliver = deliver
        self._consumer = new_consumer(
            cluster,
            enable_auto_commit=False,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_min_bytes=GATHER_BYTES,
            fetch_max_wait_ms=GATHER_MS,
        )
        self.complete = asyncio.Event()

    async def run(self) -> None:
        """Follow the topics until cancelled; ``complete`` is set when everything old is in."""
        await start(self._consumer, self._cluster)
        try:
            targets = [
                TopicPartition(topic.name, partition)
                for topic in self._topics.values()
                for partition in range(topic.partitions)
            ]
            self._consumer.assign(targets)
            ends = await self._consumer.end_offsets(targets)
            starts = await self._consumer.beginning_offsets(targets)
            for target in targets:
                self._consumer.seek(target, starts[target])
            pending = {target for target in targets if starts[target] < ends[target]}
            while pending:
                await self._take()
                pending = {
                    target
                    for target in pending
                    if await self._consumer.position(target) < ends[target]
                }
            self.complete.set()
            while True:
                await self._take()
        finally:
            await self._consumer.stop()

    async def _take(self) -> None:
        for target, records in (await self._consumer.getmany(timeout_ms=1000)).items():
            self._deliver(
                self._topics[target.topic],
                [
                    Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value)
                    for r in records
                ],
            )
            await asyncio.sleep(0)
