"""Small Kafka jobs of the benches: fresh topics, bulk loading, offsets, rewinding a group."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from infra.kafka.admin import DeclaredTopic, create, open_admin
from infra.kafka.cluster import Cluster, open_consumer, open_producer
from infra.kafka.routing import partition_of

TOPIC_WAIT_S = 30.0
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.5"}


class BenchError(RuntimeError):
    """The bench cannot be carried out; the message says why and what to do."""


@asynccontextmanager
async def offsets_client(
    cluster: Cluster, group: str | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    """Open a consumer for offsets only; with ``group`` it can commit while the group is empty."""
    async with open_consumer(cluster, group_id=group, enable_auto_commit=False) as consumer:
        yield consumer


async def recreate_topic(
    cluster: Cluster, name: str, partitions: int, configs: Mapping[str, str]
) -> None:
    """Make ``name`` an empty topic, deleting it first if it exists.

    Raises:
        TopicsError: the broker refused.
        BenchError: it took longer than ``TOPIC_WAIT_S`` seconds.
    """
    async with open_admin(cluster) as admin:
        if name in await admin.list_topics():
            await admin.delete_topics([name])
            await wait_until(lambda: absent(admin, name), f"topic {name} to go")
        await create(admin, [DeclaredTopic(name, partitions, dict(configs))], 1)
        await wait_until(lambda: present(admin, name), f"topic {name} to appear")


async def absent(admin: AIOKafkaAdminClient, name: str) -> bool:
    """Tell whether the cluster no longer lists the topic."""
    return name not in await admin.list_topics()


async def present(admin: AIOKafkaAdminClient, name: str) -> bool:
    """Tell whether every partition of the topic has a leader."""
    found = await admin.describe_topics([name])
    partitions = [part for topic in found for part in topic["partitions"]]
    return bool(partitions) and all(part["leader"] >= 0 for part in partitions)


async def wait_until(condition: Callable[[], object], what: str) -> None:
    """Await ``condition()`` until it is true.

    Raises:
        BenchError: not within ``TOPIC_WAIT_S`` seconds.
    """
    deadline = asyncio.get_running_loop().time() + TOPIC_WAIT_S
    while not await condition():  # type: ignore[misc]
        if asyncio.get_running_loop().time() > deadline:
            raise BenchError(f"waited {TOPIC_WAIT_S:.0f} s for {what}")
        await asyncio.sleep(0.05)


class BatchWriter:
    """Writes records as whole batches per partition: the cheapest way that aiokafka has."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._open = {number: producer.create_batch() for number in range(partitions)}
        self._pending: list[asyncio.Future[object]] = []

    async def add(self, key: bytes, value: bytes | None, partition: int | None = None) -> None:
        """Add one record; ``partition`` None: by the key's hash."""
        number = partition_of(key, self._partitions) if partition is None else partition
        batch = self._open[number]
        if batch.append(key=key, value=value, timestamp=None) is None:
            await self._send(number)
            batch = self._open[number]
            if batch.append(key=key, value=value, timestamp=None) is None:
                raise BenchError(f"a record of {len(value or b'')} bytes does not fit a batch")

    async def flush(self) -> None:
        """Send what is open and wait until the broker acknowledged everything."""
        for number, batch in list(self._open.items()):
            if batch.record_count():
                await self._send(number)
        pending, self._pending = self._pending, []
        await asyncio.gather(*pending)

    async def _send(self, number: int) -> None:
        batch, self._open[number] = self._open[number], self._producer.create_batch()
        batch.close()
        future = await self._producer.send_batch(batch, self._topic, partition=number)
        self._pending.append(future)
        if len(self._pending) > 256:  # bound what waits for the broker
            await asyncio.gather(*self._pending)
            self._pending.clear()


@asynccontextmanager
async def bulk_producer(cluster: Cluster) -> AsyncIterator[AIOKafkaProducer]:
    """Open an idempotent producer with the settings that the workers use."""
    async with open_producer(
        cluster, acks="all", enable_idempotence=True, max_batch_size=256 * 1024, linger_ms=5
    ) as producer:
        yield producer


async def load_topic(
    cluster: Cluster,
    topic: tuple[str, int],
    records: Iterable[tuple[bytes, bytes]],
    advance: Callable[[int], object],
) -> int:
    """Write ``records`` (key, value) to ``topic`` (name, partitions); return how many.

    ``advance`` is told every 1,000 records, for a progress bar.
    """
    name, partitions = topic
    count = 0
    async with bulk_producer(cluster) as producer:
        writer = BatchWriter(producer, name, partitions)
        for count, (key, value) in enumerate(records, 1):
            await writer.add(key, value)
            if count % 1000 == 0:
                advance(1000)
                await asyncio.sleep(0)
        await writer.flush()
    return count


async def rewind_group(cluster: Cluster, group: str, topic: str, partitions: int) -> None:
    """Commit the start of every partition of ``topic`` for ``group``, which must be empty."""
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    async with offsets_client(cluster, group) as consumer:
        consumer.assign(tps)
        starts = await consumer.beginning_offsets(tps)
        await consumer.commit(starts)


async def commit_offsets(
    cluster: Cluster, group: str, topic: str, offsets: Mapping[int, int]
) -> None:
    """Commit ``offsets`` (partition -> offset) for ``group``, which must be empty."""
    tps = {TopicPartition(topic, number): offset for number, offset in offsets.items()}
    async with offsets_client(cluster, group) as consumer:
        consumer.assign(list(tps))
        await consumer.commit(tps)


async def end_offsets(cluster: Cluster, topic: str, partitions: int) -> dict[int, int]:
    """Return the end offset of each partition."""
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    async with offsets_client(cluster) as consumer:
        return {tp.partition: end for tp, end in (await consumer.end_offsets(tps)).items()}


async def committed_offsets(admin: AIOKafkaAdminClient, group: str, topic: str) -> dict[int, int]:
    """Return the committed offset of each partition of ``topic`` that has one."""
    found = await admin.list_consumer_group_offsets(group)
    return {tp.partition: meta.offset for tp, meta in found.items() if tp.topic == topic}
