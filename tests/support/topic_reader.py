"""Reads whole topics, for checks from the outside."""

from aiokafka import AIOKafkaConsumer, TopicPartition


async def read_topic(bootstrap: str, topic: str, partitions: int) -> list:
    """All records of a topic, in offset order within each partition."""
    records = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        targets = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(targets)
        ends = await consumer.end_offsets(targets)
        for target in targets:
            consumer.seek(target, 0)
        for target in targets:
            while await consumer.position(target) < ends[target]:
                for batch in (await consumer.getmany(timeout_ms=1000)).values():
                    records += batch
    return records


async def lag(bootstrap: str, group: str, topic: str, partitions: int) -> int:
    """Records of a topic that a consumer group has not committed."""
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        targets = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(targets)
        committed = [await consumer.committed(target) or 0 for target in targets]
    return sum(ends.values()) - sum(committed)
