"""Whole topics in and out of a real Kafka, for tests."""

from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka.routing import partition_of
from topics.spec import TopicSpec

REQUEST_BYTES_MAX = 4 * 1024 * 1024
Item = tuple[bytes, bytes | None]


async def write_topic(bootstrap: str, topic: TopicSpec, items: Iterable[Item]) -> None:
    """Write (key, value) pairs in order; the part of the key before ``|`` decides the partition."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True,
        max_request_size=REQUEST_BYTES_MAX,
    )  # fmt: skip
    async with producer:
        sent = [
            await producer.send(
                topic.name, key=key, value=value,
                partition=partition_of(key.partition(b"|")[0], topic.partitions),
            )
            for key, value in items
        ]  # fmt: skip
        for future in sent:
            await future


async def read_topic(bootstrap: str, name: str, partitions: int) -> Sequence[Any]:
    """Return every record (aiokafka's) that is in the topic now, in offset order per partition."""
    records: list[Any] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    async with consumer:
        targets = [TopicPartition(name, number) for number in range(partitions)]
        starts = await consumer.beginning_offsets(targets)
        ends = await consumer.end_offsets(targets)
        for target in targets:
            if starts[target] == ends[target]:
                continue
            consumer.assign([target])
            consumer.seek(target, starts[target])
            while await consumer.position(target) < ends[target]:
                for batch in (await consumer.getmany(target, timeout_ms=1000)).values():
                    records += [record for record in batch if record.offset < ends[target]]
    return records


def latest(records: Sequence[Any]) -> dict[str, bytes]:
    """Return the newest value per key; a tombstone removes its key."""
    rows: dict[str, bytes] = {}
    for record in records:
        if record.value is None:
            rows.pop(record.key.decode(), None)
        else:
            rows[record.key.decode()] = record.value
    return rows


async def lag(bootstrap: str, group: str, topic: str, partitions: int) -> int:
    """Records of a topic that a consumer group has not committed."""
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        targets = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(targets)
        committed = [await consumer.committed(target) or 0 for target in targets]
    return sum(ends.values()) - sum(committed)
