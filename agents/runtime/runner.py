"""What every consuming agent shares: group membership, positions, and the order of a commit."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from faust.types.tuples import TP

from agents.runtime.credentials import broker_urls, credentials_of
from agents.runtime.emitter import Emitter
from agents.runtime.transport import BATCH_CODEC, BatchApp, BatchConsumer, Poll
from agents.spec import Record
from infra.kafka.cluster import cluster_of
from infra.metrics import AGENT_COMMITS, AGENT_LAG
from infra.settings import Settings
from topics.spec import TopicSpec, application_id

FETCH_BYTES_MAX = 1024 * 1024  # per partition and poll: bounds memory and the length of a batch
BUFFERED_POLLS_MAX = 4
STOP_TIMEOUT_S = 8.0

Fail = Callable[[BaseException], None]


class Runner(ABC):
    """Runs one agent in this process. ``fail`` stops the whole process: the world is broken."""

    gather_ms = 0
    table_version = 1

    def __init__(
        self, name: str, source: TopicSpec, settings: Settings, emitter: Emitter, fail: Fail
    ) -> None:
        self.name = name
        self.source = source
        self.settings = settings
        self.emitter = emitter
        self.fail = fail
        self.group = settings.namespace + application_id(name, self.table_version)
        self.assigned = asyncio.Event()
        self.positions: dict[int, int] = {}  # partition -> offset after the last processed record
        self._committed: dict[int, int] = {}
        self._suspended = True  # between revocation and assignment, and when stopping
        self._busy = asyncio.Lock()  # held while a batch is processed
        self._free = asyncio.Event()  # nothing was polled that is not processed yet
        self._free.set()
        self._committing = asyncio.Lock()
        self.app = self._create_app()

    def _create_app(self) -> BatchApp:
        settings = self.settings
        directory = settings.data_dir / "faust" / self.name
        directory.mkdir(parents=True, exist_ok=True)  # Faust makes only the last level
        cluster = cluster_of(settings)
        app = BatchApp(
            self.group,
            broker=broker_urls(cluster),
            broker_credentials=credentials_of(cluster),
            store="memory://",
            datadir=str(directory),
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            processing_guarantee="at_least_once",
            broker_commit_interval=settings.commit_interval_s,
            broker_commit_every=None,
            broker_session_timeout=settings.session_timeout_s,
            broker_request_timeout=max(90.0, settings.session_timeout_s * 2),
            broker_heartbeat_interval=min(3.0, settings.session_timeout_s / 3),
            broker_rebalance_timeout=max(20.0, settings.session_timeout_s),
            consumer_max_fetch_size=FETCH_BYTES_MAX,
            consumer_auto_offset_reset="earliest",
            stream_buffer_maxsize=BUFFERED_POLLS_MAX,
            stream_wait_empty=False,
            producer_request_timeout=60,
            worker_redirect_stdouts=False,
        )
        app.hooks = self
        channel = app.topic(
            self.source.name,
            partitions=self.source.partitions,
            value_serializer=BATCH_CODEC,
            key_serializer="raw",
            acks=False,
        )
        app.on_partitions_assigned.connect(self._on_assigned)

        @app.agent(channel, name=self.name)  # type: ignore[untyped-decorator]
        async def consume(stream: Any) -> None:
            async for poll in stream:
                await self._guarded(poll)

        return app

    async def _guarded(self, poll: Poll) -> None:
        try:
            await self.before_poll(poll)
            async with self._busy:
                if self.owns(poll):
                    await self.process(poll)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.fail(error)
            raise
        finally:
            self._free.set()

    def on_delivered(self) -> None:
        """Transport hook: a poll is on its way; if Faust drops it, a rebalance frees us again."""
        self._free.clear()

    async def until_free(self, timeout_s: float) -> None:
        """Transport hook: return when the last poll is processed, or after ``timeout_s``."""
        if not self._free.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._free.wait(), timeout_s)

    def owns(self, poll: Poll) -> bool:
        """Whether the partitions of a poll are still ours: same generation, not being revoked."""
        return not self._suspended and poll.generation == self.app.consumer_generation_id

    async def start(self) -> None:
        """Join the group and begin."""
        await self.app.start()

    async def stop(self) -> None:
        """Finish the batch in hand, make it durable, commit, leave the group."""
        self._suspended = True
        async with self._busy:
            if self.app._consumer is not None:
                await self.commit(self.app._consumer)
        await asyncio.wait_for(self.app.stop(), STOP_TIMEOUT_S)

    async def _on_assigned(self, app: Any, assigned: set[TP], **_: Any) -> None:
        self.positions = {}
        self._committed = {}
        self._free.set()
        await self.on_assigned(sorted(tp.partition for tp in assigned))
        self._suspended = False
        self.assigned.set()

    async def on_revoked(self, consumer: BatchConsumer) -> None:
        """Transport hook: finish and commit while the partitions are still ours."""
        self.assigned.clear()
        self._suspended = True
        async with self._busy:
            await self.commit(consumer)

    async def commit(self, consumer: BatchConsumer) -> bool:
        """Transport hook: acknowledge emits, write the changelog, commit offsets; in this order."""
        async with self._committing:
            positions = dict(self.positions)
            try:
                await self.make_durable(positions)
                return await self._commit_offsets(consumer, positions)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self.fail(error)
                return False

    async def _commit_offsets(self, consumer: BatchConsumer, positions: dict[int, int]) -> bool:
        offsets = {
            TP(self.source.name, partition): position
            for partition, position in positions.items()
            if self._committed.get(partition) != position
        }
        offsets = {tp: offset for tp, offset in offsets.items() if tp in consumer.assignment()}
        if not offsets or not await consumer._commit(offsets):
            return False
        self._committed.update({tp.partition: offset for tp, offset in offsets.items()})
        AGENT_COMMITS.labels(self.name).inc()
        return True

    def fresh(self, partition: int, records: Sequence[Any]) -> list[Record]:
        """Records of a poll that were not processed in this assignment yet."""
        position = self.positions.get(partition, -1)
        return [
            Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
            for r in records
            if r.offset >= position
        ]

    def advance(self, partition: int, position: int) -> None:
        """Everything before ``position`` is processed."""
        self.positions[partition] = position
        end = self.app.consumer.highwater(TP(self.source.name, partition))
        AGENT_LAG.labels(self.name, partition).set(max(0, (end or position) - position))

    async def before_poll(self, poll: Poll) -> None:  # noqa: B027 -- optional hook
        """Wait for whatever a batch needs (recovery, replicas); the batch is not in hand yet."""

    async def on_assigned(self, partitions: Sequence[int]) -> None:  # noqa: B027 -- optional
        """Partitions now owned; called before the first poll of the assignment."""

    async def wait_ready(self) -> None:
        """Return when the agent has its partitions and can work."""
        await self.assigned.wait()

    @abstractmethod
    async def process(self, poll: Poll) -> None:
        """Process one poll and ``advance`` each partition."""

    @abstractmethod
    async def make_durable(self, positions: dict[int, int]) -> None:
        """Return when everything before ``positions`` survives a crash. Must snapshot at once."""
