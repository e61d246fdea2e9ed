"""Drives a step as the runtime does: batches, kept tables, restarts, redelivery."""

from collections.abc import Iterable
from typing import Any

from agents.runtime.steps import run_step
from agents.runtime.table import PartitionTable
from agents.spec import Emit, Outcome, Record, StreamAgent
from infra.settings import Settings
from schemas.codec import WireModel, encode
from topics.spec import TopicSpec


class Driver:
    """One stream agent in one process, without Kafka."""

    def __init__(self, agent: StreamAgent, settings: Settings | None = None) -> None:
        self.agent = agent
        self.settings = settings or Settings()
        self.step: Any = agent.create_step(self.settings)
        self.tables: dict[int, PartitionTable] = {}
        self.emits: list[Emit] = []

    def feed(
        self,
        values: Iterable[WireModel | bytes],
        *,
        partition: int = 0,
        now_ms: int = 0,
        offset: int = 0,
        timestamp_ms: int = 4_000_000_000_000,
    ) -> Outcome:
        """Process one batch, recorded at ``timestamp_ms``, and keep its writes."""
        table = self.tables.setdefault(partition, PartitionTable())
        records = [
            record_of(self.agent.source, value, offset + position, partition)._replace(
                timestamp_ms=timestamp_ms
            )
            for position, value in enumerate(values)
        ]
        whole = Outcome()
        for _, outcome in run_step(self.step, partition, records, table, now_ms):
            table.keep()
            whole.emits += outcome.emits
            whole.rejects += outcome.rejects
            whole.applied += outcome.applied
            whole.deduplicated += outcome.deduplicated
        self.emits += whole.emits
        return whole

    def tick(self, now_ms: int) -> list[Emit]:
        """Run one tick and keep its writes."""
        emits: list[Emit] = self.step.on_tick(self.tables, now_ms)
        for table in self.tables.values():
            table.keep()
        self.emits += emits
        return emits

    def restart(self) -> None:
        """Lose everything but the tables."""
        self.step = self.agent.create_step(self.settings)

    def contents(self, partition: int = 0) -> dict[str, bytes]:
        """The table, to compare."""
        table = self.tables.setdefault(partition, PartitionTable())
        return {key: table.get(key) or b"" for key in table.keys()}  # noqa: SIM118

    def latest(self) -> dict[str, bytes | None]:
        """What a reader of the compacted output topics holds."""
        return {emit.key.decode(): emit.value for emit in self.emits}


def record_of(
    topic: TopicSpec, value: WireModel | bytes | None, offset: int = 0, partition: int = 0
) -> Record:
    """A record of ``topic``; the key comes from the model."""
    key = topic.key_of(value) if isinstance(value, WireModel) else None
    body = encode(value) if isinstance(value, WireModel) else value
    return Record(topic.name, partition, offset, 0, key, body)
