"""topics -> [the same steps, fresh tables in memory] -> what every agent must have written.

Nothing here writes to Kafka. Steps run through ``agents.runtime.stream.run_step``, the function
that the worker uses, over records in offset order, in batches of another size than the worker's.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from agents.runtime.steps import run_step
from agents.runtime.table import PartitionTable, Restored
from agents.spec import Emit, FitAgent, Outcome, Record, StreamAgent
from infra.replay.snapshot import Bounds, Snapshots
from infra.settings import Settings
from topics.catalog import INTERACTIONS
from topics.spec import TopicSpec

BATCH_RECORDS = 777  # on purpose not a size that the worker uses: batching must not show
TICK_MS = 60_000  # the replay's clock between ticks: longer than anything that waits
Rows = dict[str, bytes]
Advance = Callable[[int], object]


@dataclass(slots=True)
class Derived:
    """What one agent derives: latest value per key of each output, its table, and counts."""

    outputs: dict[str, Rows] = field(default_factory=dict)
    table: Rows = field(default_factory=dict)
    records: int = 0
    applied: int = 0
    deduplicated: int = 0
    dead_lettered: int = 0
    emitted: int = 0

    def count(self, outcome: Outcome) -> None:
        """Fold what a step decided about some records."""
        self.records += outcome.applied + outcome.deduplicated + len(outcome.rejects)
        self.applied += outcome.applied
        self.deduplicated += outcome.deduplicated
        self.dead_lettered += len(outcome.rejects)
        self.take(outcome.emits)

    def take(self, emits: Iterable[Emit]) -> None:
        """Fold emitted records into the outputs, as a reader of the topics would."""
        for emit in emits:
            self.emitted += 1
            rows = self.outputs.setdefault(emit.topic.name, {})
            put(rows, row_key(emit.topic, emit.key, emit.value), emit.value)


def put(rows: Rows, key: str, value: bytes | None) -> None:
    """Set or, for a tombstone, remove one row."""
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value


def row_key(topic: TopicSpec, key: bytes, value: bytes | None) -> str:
    """Return what identifies a row: the record key, or for interactions their own identity.

    Interactions are facts, many per key; a redelivery after a crash may repeat one, so each is
    identified by user, source offset and ordinal.
    """
    if topic is INTERACTIONS and value is not None:
        fact = orjson.loads(value)
        return f"{fact['user_id']}/{fact['source_offset']}/{fact['ordinal']}"
    return key.decode()


def record_of(message: Any) -> Record:
    """Turn an aiokafka ``ConsumerRecord`` into the record that a step takes."""
    return Record(
        message.topic, message.partition, message.offset, message.timestamp,
        message.key, message.value,
    )  # fmt: skip


async def record_batches(
    snapshots: Snapshots, bounds: Bounds, partition: int
) -> AsyncIterator[Sequence[Record]]:
    """Yield one partition's records in offset order, ``BATCH_RECORDS`` at a time."""
    waiting: list[Record] = []
    async for fetched in snapshots.records(bounds, partition):
        waiting += map(record_of, fetched)
        while len(waiting) >= BATCH_RECORDS:
            yield waiting[:BATCH_RECORDS]
            del waiting[:BATCH_RECORDS]
    if waiting:
        yield waiting


async def derive_stream(
    snapshots: Snapshots, spec: StreamAgent, settings: Settings, now_ms: int, advance: Advance,
    replicas: Mapping[str, Rows] | None = None,
) -> Derived:  # fmt: skip
    """Run a stream agent over its whole source, from nothing, then tick until it has no more.

    ``replicas`` replaces replicated topics by rows that were derived (topic name -> rows).
    """
    step = spec.create_step(settings)
    given = replicas or {}
    for topic in spec.replicas:
        if topic.name in given:
            step.on_replica(topic, records_of(topic, given[topic.name]))
    await feed_replicas(snapshots, [each for each in spec.replicas if each.name not in given], step)
    bounds = await snapshots.bounds(spec.source.name, spec.source.partitions)
    derived = Derived()
    tables = {number: PartitionTable() for number in bounds.ends}
    for number, table in tables.items():
        async for records in record_batches(snapshots, bounds, number):
            for _, outcome in run_step(step, number, records, table, now_ms):
                table.keep()
                derived.count(outcome)
            table.take_dirty()  # nothing is written, so nothing stays dirty
            advance(len(records))
    while emits := step.on_tick(tables, now_ms):
        derived.take(emits)
        now_ms += TICK_MS
    for table in tables.values():
        table.keep()
        derived.table.update(table_rows(table))
    return derived


def records_of(topic: TopicSpec, rows: Rows) -> list[Record]:
    """Return derived rows as the records of a topic, in key order."""
    return [
        Record(topic.name, 0, offset, 0, key.encode(), value)
        for offset, (key, value) in enumerate(sorted(rows.items()))
    ]


async def feed_replicas(
    snapshots: Snapshots, topics: Sequence[TopicSpec], target: Any
) -> dict[str, Bounds]:
    """Give a step or a fitter its replicated topics whole; return their bounds."""
    found = {}
    for topic in topics:
        found[topic.name] = await snapshots.bounds(topic.name, topic.partitions)
        for number in found[topic.name].ends:
            async for records in record_batches(snapshots, found[topic.name], number):
                target.on_replica(topic, records)
    return found


async def derive_fit(snapshots: Snapshots, spec: FitAgent, settings: Settings) -> Derived:
    """Fit a model once over its whole sources, in this process.

    What the agent itself published is no input here: it reads that only to publish changes alone.
    """
    fitter = spec.create_fitter(settings)
    inputs = [topic for topic in spec.sources if topic not in spec.emits]
    bounds = await feed_replicas(snapshots, inputs, fitter)
    derived = Derived(records=sum(each.records_max for each in bounds.values()))
    if fitter.changed():
        function, arguments = fitter.job()
        derived.take(fitter.on_fitted(function(*arguments)))
    return derived


async def live_rows(snapshots: Snapshots, topic: TopicSpec) -> Rows:
    """Return the latest value per key of a topic."""
    rows: Rows = {}
    bounds = await snapshots.bounds(topic.name, topic.partitions)
    for number in bounds.ends:
        async for fetched in snapshots.records(bounds, number):
            for record in fetched:
                put(rows, row_key(topic, record.key, record.value), record.value)
    return rows


async def live_table(snapshots: Snapshots, changelog: str, partitions: int) -> Rows:
    """Return a table as the worker would recover it from its changelog."""
    rows: Rows = {}
    bounds = await snapshots.bounds(changelog, partitions)
    for number in bounds.ends:
        restored = Restored()
        async for fetched in snapshots.records(bounds, number):
            for record in fetched:
                restored.add(record.key, record.value, record.headers)
        rows.update(table_rows(restored.table()))
    return rows


def table_rows(table: PartitionTable) -> Rows:
    """Return all rows of one table partition."""
    return {key: value for key in table.keys() if (value := table.get(key)) is not None}  # noqa: SIM118
