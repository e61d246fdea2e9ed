"""Models -> Kafka, acknowledged by all in-sync replicas, or ``KafkaUnavailable`` in bounded time.

The producer connects in the background and again after every failure, so a process may start
before its broker and live through the broker's absence. A record whose acknowledgement did not come
in time may still be in the log: callers answer "try again", consumers drop known event ids.

Memory is bounded: records wait in the client until Kafka has them or the producer is replaced, and
beyond ``RECORDS_MAX`` records or ``BYTES_MAX`` bytes a send is refused at once.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from aiokafka.errors import KafkaConnectionError, KafkaError
from prometheus_client import Counter

from infra import metrics
from infra.kafka.cluster import Cluster, new_producer, why_unreachable
from infra.kafka.delivery import FEW_RECORDS, Encoded, Produced, in_batches
from infra.kafka.routing import route
from infra.kafka.sizes import BATCH_BYTES_MAX
from infra.kafka.turns import Turn
from schemas.codec import WireModel, encode
from topics.spec import TopicSpec

log = logging.getLogger(__name__)

RECORDS_MAX = 5000
BYTES_MAX = 64 * 1024 * 1024
REQUEST_BYTES_MAX = 2 * 1024 * 1024  # above the largest ``message_bytes_max`` of the catalogue
RECONNECT_DELAY_S = 0.5
CLOSE_S = 3.0
PROBE_S = 2.0


class KafkaUnavailable(RuntimeError):
    """Kafka did not acknowledge in time; the records may or may not be in the log."""


class Producer(Protocol):
    """What the API needs of Kafka."""

    @property
    def records_in_flight(self) -> int:
        """Records that wait for Kafka's acknowledgement."""

    async def is_ready(self) -> bool:
        """Whether a broker answers now."""

    async def send(self, spec: TopicSpec, value: WireModel) -> Produced:
        """Produce one record."""

    async def send_many(self, spec: TopicSpec, values: Sequence[WireModel]) -> list[Produced]:
        """Produce several records."""


class EventProducer:
    """Sends models to their topics. Use within one event loop: ``start``, ``send``…, ``stop``.

    Args:
        cluster: where Kafka is and how it is spoken to.
        timeout_ms: longest time one call may take, from entry to acknowledgement.
        linger_ms: how long a record waits for company.
    """

    def __init__(self, cluster: Cluster, *, timeout_ms: int, linger_ms: int) -> None:
        self._cluster = cluster
        self._timeout_s = timeout_ms / 1000
        self._linger_ms = linger_ms
        self._client: Any = None  # an AIOKafkaProducer that is started
        self._connecting: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._turn: Turn | None = None  # of the calls of now
        self._records = 0
        self._bytes = 0

    @property
    def connected(self) -> bool:
        """Whether a broker has answered and no delivery has failed since."""
        return self._client is not None

    @property
    def records_in_flight(self) -> int:
        """Records that wait for Kafka's acknowledgement, also those whose callers gave up."""
        return self._records

    async def is_ready(self) -> bool:
        """Whether a broker answers within ``PROBE_S``."""
        if self._client is None:
            return False
        try:
            await asyncio.wait_for(self._client.client.fetch_all_metadata(), PROBE_S)
        except (KafkaError, TimeoutError):
            return False
        return True

    async def start(self, wait_s: float = 2.0) -> None:
        """Begin to connect; return when connected or after ``wait_s``, whichever is first."""
        self._reconnect()
        assert self._connecting is not None
        await asyncio.wait([self._connecting], timeout=wait_s)

    async def stop(self) -> None:
        """Deliver what is waiting, within a few seconds, and close."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._client is not None:
            client, self._client = self._client, None
            await _close(client)
        await asyncio.gather(*self._closing)

    async def send(self, spec: TopicSpec, value: WireModel) -> Produced:
        """Produce one record and wait for its acknowledgement.

        Raises:
            KafkaUnavailable: see the class; within ``timeout_ms``.
        """
        [produced] = await self.send_encoded(spec.name, [encoded_of(spec, value)])
        return produced

    async def send_many(self, spec: TopicSpec, values: Sequence[WireModel]) -> list[Produced]:
        """Produce records and wait for all acknowledgements; results in the order of ``values``.

        Order is kept within a partition.

        Raises:
            KafkaUnavailable: any of them was not acknowledged; all may or may not be in the log.
        """
        return await self.send_encoded(spec.name, [encoded_of(spec, value) for value in values])

    async def send_encoded(self, topic: str, records: Sequence[Encoded]) -> list[Produced]:
        """Produce records that are bytes already, like ``send_many``.

        Raises:
            KafkaUnavailable: any of them was not acknowledged; all may or may not be in the log.
        """
        if not records:
            return []
        count, size = len(records), sum([len(each.value) for each in records])
        client = self._reserve(topic, count, size)
        try:
            if count > FEW_RECORDS:
                produced = await self._deliver(client, topic, records, size)
            else:
                produced = await self._turn_of(client).join(topic, records, size)
        except (TimeoutError, KafkaError, AssertionError) as error:
            metrics.API_PRODUCE_FAILURES.labels(topic).inc(count)
            raise KafkaUnavailable(f"{topic}: {type(error).__name__}") from error
        produced_of(topic).inc(count)
        return produced

    def _reserve(self, topic: str, records: int, size: int) -> Any:
        full = self._records + records > RECORDS_MAX or self._bytes + size > BYTES_MAX
        if self._client is None or full:
            metrics.API_PRODUCE_FAILURES.labels(topic).inc(records)
            reason = "too many records are waiting" if full else "not connected"
            raise KafkaUnavailable(f"{topic}: {reason}")
        self._records += records
        self._bytes += size
        metrics.API_PRODUCE_IN_FLIGHT.set(self._records)
        return self._client

    def _turn_of(self, client: Any) -> Turn:
        """Return the turn that small calls of now join."""
        if self._turn is None or self._turn.departed or self._turn.client is not client:
            self._turn = Turn(client, self._timeout_s, self._settled)
        return self._turn

    async def _deliver(
        self, client: Any, topic: str, encoded: Sequence[Encoded], size: int
    ) -> list[Produced]:
        """Hand the records of a large call to the client and wait."""
        work = asyncio.ensure_future(in_batches(client, topic, encoded))
        work.add_done_callback(
            lambda done: self._settled(
                client, topic, len(encoded), size, None if done.cancelled() else done.exception()
            )
        )
        return await asyncio.wait_for(asyncio.shield(work), self._timeout_s)

    def _settled(
        self, client: Any, topic: str, records: int, size: int, error: BaseException | None
    ) -> None:
        """Take in what became of a call, also of one whose caller gave up."""
        self._records -= records
        self._bytes -= size
        metrics.API_PRODUCE_IN_FLIGHT.set(self._records)
        if isinstance(error, KafkaError | AssertionError) and client is self._client:
            log.warning("delivery to %s failed: %r; connecting again", topic, error)
            self._replace(client)

    def _replace(self, client: Any) -> None:
        """Drop a client that failed: after a lost batch its sequence numbers no longer fit."""
        self._client = None
        closing = asyncio.create_task(_close(client))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._reconnect()

    def _reconnect(self) -> None:
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        first = True
        while True:
            client = new_producer(
                self._cluster,
                acks="all",
                enable_idempotence=True,
                linger_ms=self._linger_ms,
                request_timeout_ms=int(self._timeout_s * 1000),
                max_request_size=REQUEST_BYTES_MAX,
                max_batch_size=BATCH_BYTES_MAX,
            )
            try:
                await asyncio.wait_for(client.start(), self._timeout_s)
            except Exception as error:
                # Clients raise more than they document: UnicodeError, ValueError.
                await _close(client)
                if first:  # of an outage; the others only say the same
                    log.warning("%s; trying again", await self._why(error))
                first = False
            except BaseException:
                await _close(client)
                raise
            else:
                log.info("connected to Kafka at %s", self._cluster.bootstrap_servers)
                self._client = client
                return
            await asyncio.sleep(RECONNECT_DELAY_S)

    async def _why(self, error: BaseException) -> str:
        if isinstance(error, KafkaConnectionError):
            return await why_unreachable(self._cluster)
        return f"Kafka at {self._cluster.bootstrap_servers}: {error!r}"


def encoded_of(spec: TopicSpec, value: WireModel) -> Encoded:
    """Return a record with its place and bytes."""
    return Encoded(*route(spec, value), encode(value))


@cache
def produced_of(topic: str) -> Counter:
    """Return one counter of records; looking it up takes longer than counting."""
    return metrics.API_PRODUCED.labels(topic)


async def _close(client: Any) -> None:
    """Stop a client; when the broker is away it cannot flush, so what is waiting is failed."""
    try:
        await asyncio.wait_for(client.stop(), CLOSE_S)
    except (TimeoutError, KafkaError):
        # Internals of aiokafka 0.14.0: stop() has no "give up" and marks itself closed first.
        client._message_accumulator.fail_all(KafkaError("closed before delivery"))
        await asyncio.wait_for(client._sender.close(), CLOSE_S)
        await client.client.close()
