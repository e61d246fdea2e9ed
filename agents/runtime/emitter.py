"""Emit -> Kafka: the idempotent producer that one worker process shares.

Many records for one (topic, partition) are packed into one prepared batch, so a thousand records
cost a few futures. The producer keeps order within a partition and retries without duplicates.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from agents.spec import Emit, Reject
from domain.dead_letters import Failure, Header, Origin, letter_headers
from infra.kafka.cluster import cluster_of, new_producer, start
from infra.kafka.routing import partition_of
from infra.kafka.sizes import BATCH_BYTES_MAX, LETTER_REQUEST_BYTES_MAX
from infra.settings import Settings

REQUEST_TIMEOUT_MS = 60_000
# Up to here records go one by one into whatever batch the client has open: a prepared batch has to
# wait until the one before it is on its way, which costs a round trip when batches are small.
FEW_RECORDS = 32


NO_HEADERS: list[Header] = []  # the client wants a list; nobody changes it


class Item(NamedTuple):
    """One record on its way into a producer batch."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    headers: list[Header] = NO_HEADERS


Target = tuple[str, int]


class Emitter:
    """Sends records; every method returns futures that resolve when Kafka acknowledged them."""

    def __init__(self, settings: Settings) -> None:
        self._cluster = cluster_of(settings)
        self._producer = new_producer(
            self._cluster,
            acks="all",
            enable_idempotence=True,
            linger_ms=settings.produce_linger_ms,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=LETTER_REQUEST_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaUnreachable: no broker takes the producer; the message says why.
        """
        await start(self._producer, self._cluster)

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        await self._producer.stop()

    async def emit(self, emits: Sequence[Emit]) -> list[asyncio.Future[Any]]:
        """Send emitted records, in the given order within each partition."""
        grouped: dict[Target, list[Item]] = {}
        for topic, key, value, partition, timestamp_ms in emits:
            if partition is None:
                partition = partition_of(key, topic.partitions)
            item = Item(key, value, timestamp_ms)
            grouped.setdefault((topic.name, partition), []).append(item)
        return await self._send(grouped)

    async def dead_letter(
        self, rejects: Sequence[Reject], dead_letter_topic: str, agent: str
    ) -> list[asyncio.Future[Any]]:
        """Send rejected records byte for byte; where and why they failed goes into the headers."""
        grouped: dict[Target, list[Item]] = {}
        for record, reason, detail in rejects:
            origin = Origin(record.topic, record.partition, record.offset)
            failure = Failure(agent, reason, detail)
            headers = letter_headers(origin, record.timestamp_ms, record.headers, failure)
            item = Item(record.key, record.value, None, headers)
            grouped.setdefault((dead_letter_topic, record.partition), []).append(item)
        return await self._send(grouped)

    async def write(
        self, topic: str, partition: int, items: Iterable[Item]
    ) -> list[asyncio.Future[Any]]:
        """Send raw records to one partition (changelogs)."""
        return await self._send({(topic, partition): list(items)})

    async def _send(self, grouped: dict[Target, list[Item]]) -> list[asyncio.Future[Any]]:
        futures: list[asyncio.Future[Any]] = []
        for (topic, partition), items in grouped.items():
            if len(items) <= FEW_RECORDS:
                futures += [await self._send_one(topic, partition, item) for item in items]
                continue
            batch = self._producer.create_batch()
            for item in items:
                if not _append(batch, item):
                    futures.append(await self._close(batch, topic, partition))
                    batch = self._producer.create_batch()
                    if not _append(batch, item):
                        raise ValueError(f"a record for {topic} does not fit into an empty batch")
            futures.append(await self._close(batch, topic, partition))
        return futures

    async def _send_one(self, topic: str, partition: int, item: Item) -> asyncio.Future[Any]:
        if item.key is None and item.value is None:  # a dead letter; the client's send refuses it
            batch = self._producer.create_batch()
            _append(batch, item)
            return await self._close(batch, topic, partition)
        future: asyncio.Future[Any] = await self._producer.send(
            topic,
            item.value,
            item.key,
            partition,
            timestamp_ms=item.timestamp_ms,
            headers=item.headers,
        )
        return future

    async def _close(self, batch: Any, topic: str, partition: int) -> asyncio.Future[Any]:
        batch.close()
        future: asyncio.Future[Any] = await self._producer.send_batch(
            batch, topic, partition=partition
        )
        return future


def _append(batch: Any, item: Item) -> bool:
    key, value, timestamp_ms, headers = item
    return batch.append(timestamp=timestamp_ms, key=key, value=value, headers=headers) is not None
