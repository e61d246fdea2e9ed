"""Faust's aiokafka transport, changed in six places. Pinned to faust-streaming 0.15.3.

Internals of Faust that are touched, and why:

- ``Consumer.getmany`` yields ONE message per poll (all partitions of the agent's topic) instead of
  one per record: per-record delivery costs 130-155 us, a batch amortises that to nothing.
- ``Consumer.getmany`` waits while the runner has a poll in hand; records gather meanwhile and are
  one batch. Without that, small polls fill Faust's buffer, and a partition that is full is left out
  of the next poll, which lasts until another partition has records (all are full: one second).
- ``ConsumerThread``: no thread. Faust runs each consumer in a loop and a thread of its own, so that
  a slow agent does not hold up heartbeats; our steps are short, and every poll cost two hand-overs
  of the interpreter while agents compute. ``call_thread``, ``_gather_remaining_tasks``, ``Worker``.
- ``Consumer._new_consumer_thread``: an agent that nobody waits for lets the broker gather records,
  by aiokafka's ``fetch_min_bytes`` and ``fetch_max_wait_ms``, which Faust does not hand on.
- ``Consumer.force_commit`` asks the runner which offsets are safe, instead of Faust's
  acknowledgement lists, which can commit over a gap and crawl after a rebalance (issue 596).
- ``Consumer.resume_partitions`` / ``perform_seek``: Faust resumes partitions before it seeks to the
  committed offsets, so the first poll after a rebalance is delivered twice; hold them until then.
- ``App._new_transport``, ``App._new_producer_transport``: the seams where a transport is made.
- ``Consumer._wait_next_records``, ``_buffered_partitions``, ``flow_active``: parts of ``getmany``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, NamedTuple, Protocol

import faust
from faust.serializers import codecs
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage
from mode.utils.futures import maybe_async


class Poll(NamedTuple):
    """All that one poll fetched: (partition, records in offset order), and the group generation."""

    generation: int
    partitions: list[tuple[int, list[Any]]]


GATHER_BYTES = 256 * 1024  # as much is fetched at once, however short the wait was


class Hooks(Protocol):
    """What the transport asks of the runner.

    ``gather_ms`` is how long the broker may wait for more records; 0: it sends the first at once.
    """

    gather_ms: int

    async def until_free(self, timeout_s: float) -> None:
        """Return when no poll is in hand, or after ``timeout_s``."""

    def on_delivered(self) -> None:
        """A poll is on its way to the runner."""

    async def commit(self, consumer: "BatchConsumer") -> bool:
        """Make everything processed durable and commit its offsets."""

    async def on_revoked(self, consumer: "BatchConsumer") -> None:
        """Finish the batch in hand and commit, before the partitions go."""


class _PassThrough(codecs.Codec):  # type: ignore[misc]
    """Values that are already what the agent wants."""

    def _loads(self, value: Any) -> Any:
        return value

    def _dumps(self, value: Any) -> Any:
        return value


BATCH_CODEC = "media-gateway-batch"
codecs.register(BATCH_CODEC, _PassThrough())


class _InLoop:
    """Takes the place of a thread: the service runs as a task of the loop that starts it."""

    def __init__(self, service: "LoopConsumer") -> None:
        self._service = service
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve."""
        self._task = asyncio.create_task(self._service._serve())

    def stop(self) -> None:
        """Wait for nothing: the service has shut down when Faust calls this."""


class LoopConsumer(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread without the thread, and with fetches that may wait for company."""

    Worker = _InLoop

    def __init__(self, consumer: "BatchConsumer", **kwargs: Any) -> None:
        super().__init__(consumer, thread_loop=consumer.loop, loop=consumer.loop, **kwargs)

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of the consumer, which lives in this loop."""
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """Leave the loop's other tasks alone."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        gather_ms = self.app.hooks.gather_ms
        if gather_ms:
            # Read when the consumer starts (aiokafka 0.14.0); arguments of its constructor.
            consumer._fetch_min_bytes = GATHER_BYTES
            consumer._fetch_max_wait_ms = gather_ms
        return consumer


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Consumer that delivers a ``Poll`` at a time and leaves commits to the runner."""

    _held: frozenset[Any] = frozenset()

    def _new_consumer_thread(self) -> LoopConsumer:
        return LoopConsumer(self, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109
        """Yield at most one message, whose value is a ``Poll``."""
        await self.app.hooks.until_free(timeout)
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        wanted = [
            (tp, batch)
            for tp, batch in records.items()
            if batch and (active is None or tp in active or tp in self._buffered_partitions)
        ]
        if not wanted:
            return
        tp, batch = wanted[0]
        poll = Poll(generation, [(each.partition, records_) for each, records_ in wanted])
        self.app.hooks.on_delivered()
        yield tp, _message(tp, batch[-1], poll, generation)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what the runner has made durable."""
        return bool(await self.app.hooks.commit(self))

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Let the runner finish and commit first: afterwards somebody else owns the partitions."""
        await self.app.hooks.on_revoked(self)
        await super().on_partitions_revoked(revoked)

    def resume_partitions(self, tps: Iterable[Any]) -> None:
        """Hold partitions until ``perform_seek`` is done (issue 596)."""
        self._held = self._held | frozenset(tps)

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, then resume what was held."""
        await super().perform_seek()
        held, self._held = self._held, frozenset()
        resumable = {tp for tp in held if tp in self.assignment()}
        if resumable:
            super().resume_partitions(resumable)

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """No gap lists: the runner counts positions."""

    def verify_event_path(self, now: float, tp: Any) -> None:
        """No per-record livelock heuristics: they read the acknowledgement lists."""


def _message(tp: Any, last: Any, poll: Poll, generation: int) -> Any:
    return ConsumerMessage(
        tp.topic, tp.partition, last.offset, last.timestamp / 1000.0, last.timestamp_type,
        (), None, poll, None, 0, 0, TP(tp.topic, tp.partition), generation_id=generation,
    )  # fmt: skip


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """The aiokafka transport with the batch consumer."""

    Consumer = BatchConsumer


class BatchApp(faust.App):  # type: ignore[misc]
    """A Faust application whose single agent receives ``Poll`` batches."""

    hooks: Hooks

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_producer, self)
