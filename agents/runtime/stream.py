"""Runs a ``StreamAgent``: batches in, table writes and emitted records out."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from agents.runtime.emitter import Emitter
from agents.runtime.replica import ReplicaReader
from agents.runtime.runner import Fail, Runner
from agents.runtime.steps import run_step
from agents.runtime.table import PartitionTable, changelog_items, restore
from agents.runtime.transport import Poll
from agents.spec import Emit, Outcome, Record, StreamAgent
from infra.kafka.cluster import cluster_of
from infra.metrics import (
    AGENT_APPLIED,
    AGENT_BATCH_SECONDS,
    AGENT_BATCH_SIZE,
    AGENT_CHANGELOG,
    AGENT_DEAD_LETTERED,
    AGENT_DEDUPLICATED,
    AGENT_EMITTED,
    AGENT_RECORDS,
    AGENT_RECOVERY_SECONDS,
    AGENT_TABLE_KEYS,
)  # fmt: skip
from infra.settings import Settings
from infra.wall_clock import now_ms

STEP_RECORDS_MAX = 1000  # bounds how long one step call keeps the event loop
UNACKNOWLEDGED_MAX = 2000  # producer batches in flight before the agent waits: bounded memory


class StreamRunner(Runner):
    """One stream agent in one process."""

    def __init__(
        self, agent: StreamAgent, settings: Settings, emitter: Emitter, fail: Fail
    ) -> None:
        self.agent = agent
        self.gather_ms = agent.gather_ms
        self.table_version = agent.table_version
        self.step = agent.create_step(settings)
        self._declared = frozenset(topic.name for topic in agent.emits)
        self._tables: dict[int, PartitionTable] = {}
        self._changelog_ends: dict[int, int] = {}
        self._recovered = asyncio.Event()
        self._recovery: asyncio.Task[None] | None = None
        self._unacknowledged: list[asyncio.Future[Any]] = []
        self._background: list[asyncio.Task[None]] = []
        self._replica = self._create_replica(agent, settings)
        super().__init__(agent.name, agent.source, settings, emitter, fail)
        self.changelog = changelog_topic(agent, settings)

    def _create_replica(self, agent: StreamAgent, settings: Settings) -> ReplicaReader | None:
        if not agent.replicas:
            return None
        return ReplicaReader(cluster_of(settings), agent.replicas, self.step.on_replica)

    async def start(self) -> None:
        """Start replicas and ticks, join the group."""
        if self._replica is not None:
            self._spawn(self._replica.run())
        if self.agent.tick_s is not None:
            self._spawn(self._tick_forever(self.agent.tick_s))
        await super().start()

    async def stop(self) -> None:
        """Stop background work, then finish as every runner does."""
        await super().stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _spawn(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self.fail(error)

        self._background.append(asyncio.create_task(guarded()))

    # --- assignment and recovery ---

    async def on_assigned(self, partitions: Sequence[int]) -> None:
        """Recover tables of newly owned partitions in the background; batches wait for it."""
        if self._recovery is not None:
            self._recovery.cancel()
        self._recovered.clear()
        gone = [partition for partition in self._tables if partition not in partitions]
        for partition in gone:
            del self._tables[partition]
        self.step.on_revoked(gone)
        self._recovery = asyncio.create_task(self._recover(partitions))

    async def _recover(self, partitions: Sequence[int]) -> None:
        try:
            if self.changelog is None:
                self._tables = {partition: PartitionTable() for partition in partitions}
            elif partitions:
                # Kept tables are read again too: another worker may have owned the partition in a
                # generation that this one missed. Caches follow the table.
                self.step.on_revoked(partitions)
                self._tables, seconds = await restore(
                    cluster_of(self.settings), self.changelog, partitions
                )
                AGENT_RECOVERY_SECONDS.labels(self.name).set(seconds)
                self._count_keys()
            self._recovered.set()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.fail(error)

    def _count_keys(self) -> None:
        AGENT_TABLE_KEYS.labels(self.name).set(sum(len(each) for each in self._tables.values()))

    async def before_poll(self, poll: Poll) -> None:
        """Batches wait until the tables are recovered and the replicas are complete."""
        await self._recovered.wait()
        if self._replica is not None:
            await self._replica.complete.wait()

    async def wait_ready(self) -> None:
        """Ready: partitions assigned, tables recovered, replicas complete."""
        while True:
            await self.assigned.wait()
            await self._recovered.wait()
            if self._replica is not None:
                await self._replica.complete.wait()
            if self.assigned.is_set() and self._recovered.is_set():
                return

    # --- batches ---

    async def process(self, poll: Poll) -> None:
        """Run the step over each partition's records, in bounded slices."""
        for partition, fetched in poll.partitions:
            records = self.fresh(partition, fetched)
            for start in range(0, len(records), STEP_RECORDS_MAX):
                if not self.owns(poll):
                    return  # what is left is redelivered to whoever owns it now
                await self._process_slice(partition, records[start : start + STEP_RECORDS_MAX])
                await asyncio.sleep(0)

    async def _process_slice(self, partition: int, records: Sequence[Record]) -> None:
        table = self._tables[partition]
        started = time.perf_counter()
        for given, outcome in run_step(self.step, partition, records, table, now_ms()):
            AGENT_BATCH_SECONDS.labels(self.name).observe(time.perf_counter() - started)
            # Emits are on their way before the writes are kept: a commit in between must not make
            # state durable whose emits nobody has sent.
            await self._publish(outcome)
            table.keep()
            self.advance(partition, given[-1].offset + 1)
            self._count(len(given), outcome)
            started = time.perf_counter()

    async def _publish(self, outcome: Outcome) -> None:
        if outcome.emits:
            self._check_declared(outcome.emits)
            sent = await self.emitter.emit(outcome.emits)
            self._unacknowledged.extend(sent)
        if outcome.rejects:
            topic = dead_letter_of(self.agent)
            sent = await self.emitter.dead_letter(outcome.rejects, topic, self.name)
            self._unacknowledged.extend(sent)
        if len(self._unacknowledged) > UNACKNOWLEDGED_MAX:
            await self._acknowledged()

    async def _acknowledged(self) -> None:
        """Wait for everything sent so far. A commit that runs meanwhile waits for the same."""
        waiting = list(self._unacknowledged)
        await asyncio.gather(*waiting)
        # One that failed meanwhile stays: whoever waits next must see it.
        self._unacknowledged = [
            each for each in self._unacknowledged if not each.done() or each.exception()
        ]

    def _check_declared(self, emits: Sequence[Emit]) -> None:
        for name, number in Counter(emit.topic.name for emit in emits).items():
            if name not in self._declared:
                raise AssertionError(f"{self.name} does not declare {name}")
            AGENT_EMITTED.labels(self.name, name).inc(number)

    def _count(self, given: int, outcome: Outcome) -> None:
        AGENT_RECORDS.labels(self.name).inc(given)
        AGENT_APPLIED.labels(self.name).inc(outcome.applied)
        AGENT_DEDUPLICATED.labels(self.name).inc(outcome.deduplicated)
        AGENT_BATCH_SIZE.labels(self.name).observe(given)
        for reject in outcome.rejects:
            AGENT_DEAD_LETTERED.labels(self.name, reject.reason).inc()

    async def _tick_forever(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            if self._suspended or not self._recovered.is_set():
                continue
            if self._replica is not None and not self._replica.complete.is_set():
                continue
            async with self._busy:
                if self._suspended or not self._recovered.is_set():
                    continue
                emits = self.step.on_tick(self._tables, now_ms())
                if emits:
                    await self._publish(Outcome(emits=emits))
                for table in self._tables.values():
                    table.keep()

    # --- durability ---

    async def make_durable(self, positions: dict[int, int]) -> None:
        """Emits and dead letters first: a lost changelog write re-derives them."""
        dirty = {p: (table.position, table.take_dirty()) for p, table in self._tables.items()}
        await self._acknowledged()
        if self.changelog is None:
            return
        writes: list[asyncio.Future[Any]] = []
        for partition, (restored_at, changed) in dirty.items():
            if changed:
                # A tick may write before the first batch: then the restored position counts.
                items = changelog_items(changed, max(restored_at, positions.get(partition, 0)))
                writes += await self.emitter.write(self.changelog, partition, items)
                AGENT_CHANGELOG.labels(self.name).inc(len(changed))
        await asyncio.gather(*writes)
        if writes:
            self._count_keys()


def changelog_topic(agent: StreamAgent, settings: Settings) -> str | None:
    """Changelog topic of the agent's table, or None when it keeps no table."""
    if agent.table is None:
        return None
    return settings.namespace + agent.changelog


def dead_letter_of(agent: StreamAgent) -> str:
    """Where rejects go.

    Raises:
        AssertionError: a record of an internal topic was rejected; our own writer is broken, so the
            worker stops instead of dropping state.
    """
    if not agent.source.dead_letter:
        raise AssertionError(
            f"{agent.name} rejected a record of internal topic {agent.source.name}"
        )
    return agent.source.dead_letter_name
