"""Contestant: the least that plain aiokafka needs to do the same job; the ceiling.

One process, one loop: poll, run the step per partition, send the emits as batches, and once per
commit interval write the changed keys to the changelog, wait for every acknowledgement, commit.
No dead letter, metrics, recovery or rebalance handling: what those cost is what the ratio shows.
"""

import asyncio
import signal
import time

from aiokafka import AIOKafkaProducer, TopicPartition

from agents.spec import Outcome
from agents.watch_states import SPEC
from cli.bench.contestant import (
    SOURCE,
    ContestantConfig,
    DictTable,
    new_step,
    now_ms,
    record_of,
)
from cli.bench.kafka import BatchWriter, BenchError, bulk_producer
from infra.kafka.cluster import Cluster, new_consumer, start


class BareLoop:
    """State of the loop: the step, one table per partition, one writer per output topic."""

    def __init__(self, config: ContestantConfig, producer: AIOKafkaProducer) -> None:
        self._config = config
        self._step = new_step(config)
        self._tables = {number: DictTable() for number in range(SOURCE.partitions)}
        self._writers = {
            topic.name: BatchWriter(producer, topic.name, topic.partitions) for topic in SPEC.emits
        }
        self._changelog = BatchWriter(producer, config.changelog, SOURCE.partitions)

    async def process(self, polled: dict[TopicPartition, list[object]]) -> None:
        """Run the step over one poll and hand its emits to the writers."""
        for tp, messages in polled.items():
            records = [record_of(message) for message in messages]
            table = self._tables[tp.partition]
            await self._emit(self._step.on_batch(tp.partition, records, table, now_ms()))

    async def _emit(self, outcome: Outcome) -> None:
        if outcome.rejects:
            raise BenchError(f"the step refused a bench event: {outcome.rejects[0].detail}")
        for emit in outcome.emits:
            await self._writers[emit.topic.name].add(emit.key, emit.value, emit.partition)

    async def flush(self) -> None:
        """Write the changelog and wait until everything written so far is acknowledged."""
        for number, table in self._tables.items():
            for key, value in table.take_dirty():
                await self._changelog.add(key.encode(), value, number)
        for writer in (self._changelog, *self._writers.values()):
            await writer.flush()


async def consume(config: ContestantConfig, stopping: asyncio.Event) -> None:
    """Run the loop until ``stopping`` is set."""
    cluster = Cluster(config.bootstrap)
    consumer = new_consumer(
        cluster,
        SOURCE.name,
        group_id=config.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await start(consumer, cluster)
    try:
        async with bulk_producer(cluster) as producer:
            loop = BareLoop(config, producer)
            flushed = time.monotonic()
            dirty = False
            while not stopping.is_set():
                polled = await consumer.getmany(timeout_ms=100)
                await loop.process(polled)
                dirty = dirty or bool(polled)
                if dirty and time.monotonic() - flushed >= config.commit_interval_s:
                    await loop.flush()
                    await consumer.commit()
                    flushed, dirty = time.monotonic(), False
    finally:
        await consumer.stop()


async def main() -> None:
    """Run until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await consume(ContestantConfig.from_env(), stopping)


if __name__ == "__main__":
    asyncio.run(main())
