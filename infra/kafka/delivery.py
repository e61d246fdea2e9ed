"""Encoded records of a large call -> the Kafka client, and their offsets back."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple

# Up to here records go one by one and share batches with other calls. Prepared batches do not
# merge: each waits for the one before it on its partition, so many small ones queue for seconds.
FEW_RECORDS = 64


class Encoded(NamedTuple):
    """One record on its way."""

    partition: int
    key: bytes
    value: bytes


class Produced(NamedTuple):
    """Where a record is."""

    partition: int
    offset: int


async def in_batches(client: Any, topic: str, encoded: Sequence[Encoded]) -> list[Produced]:
    """Send one prepared batch per partition: one future for many records.

    Returns: where each record is, in the order given.

    Raises:
        KafkaError: any of them was not acknowledged.
    """
    by_partition: dict[int, list[int]] = {}
    for index, (partition, _, _) in enumerate(encoded):
        by_partition.setdefault(partition, []).append(index)
    produced: list[Produced] = [Produced(-1, -1)] * len(encoded)

    async def send(partition: int, indexes: list[int]) -> None:
        acknowledgements: list[tuple[Awaitable[Any], list[int]]] = []
        while indexes:
            batch, taken = _fill(client.create_batch(), encoded, indexes)
            sent = await client.send_batch(batch, topic, partition=partition)
            acknowledgements.append((sent, indexes[:taken]))
            indexes = indexes[taken:]
        for sent, members in acknowledgements:
            base_offset = (await sent).offset
            for position, index in enumerate(members):
                produced[index] = Produced(partition, base_offset + position)

    tasks = [asyncio.create_task(send(*item)) for item in by_partition.items()]
    await asyncio.wait(tasks)  # all of them: none may go on unobserved
    for task in tasks:
        task.result()
    return produced


def _fill(batch: Any, encoded: Sequence[Encoded], indexes: Sequence[int]) -> tuple[Any, int]:
    """Append records until the batch is full; return it with how many it took (at least one)."""
    for taken, index in enumerate(indexes):
        _, key, value = encoded[index]
        if batch.append(timestamp=None, key=key, value=value) is None:
            return batch, taken
    return batch, len(indexes)
