"""What the three contestants of ``bench pipeline`` share: the one step, and how it is started.

All three run ``agents.watch_states.SPEC.create_step(settings)``: the same decode, ledger, encode
and emits. They differ only in what carries records, state and offsets. The first call of the step
starts the clock: joining the group and importing modules is not part of the comparison.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.spec import Emit, Outcome, Record, Step, TableView
from agents.watch_states import SPEC
from infra.settings import Settings
from topics.spec import TopicSpec

SOURCE = SPEC.source
CONFIG_ENV = "MEDIA_GATEWAY_BENCH_CONTESTANT"
STARTED_FILE = "started.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestantConfig:
    """What a contestant process needs to know."""

    bootstrap: str
    group: str
    changelog: str
    state_dir: str
    commit_interval_s: float

    def to_env(self) -> str:
        """Return the configuration as the text of one environment variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_env(cls) -> "ContestantConfig":
        """Read the configuration that the bench gave this process.

        Raises:
            KeyError: not started by the bench.
        """
        return cls(**json.loads(os.environ[CONFIG_ENV]))


class ClockedStep:
    """The real step; its first batch notes the clock and the CPU time used so far in a file."""

    def __init__(self, step: Step, started: Path) -> None:
        self._step = step
        self._started = started
        self._run: Callable[..., Outcome] = self._first_batch

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Pass on, the first time after noting the clock."""
        return self._run(partition, records, table, now_ms)

    def _first_batch(self, *arguments: Any) -> Outcome:
        note = {"monotonic_s": time.monotonic(), "cpu_s": time.process_time()}
        self._started.write_text(json.dumps(note))
        self._run = self._step.on_batch
        return self._step.on_batch(*arguments)

    def on_tick(self, tables: Mapping[int, TableView], now_ms: int) -> list[Emit]:
        """Pass on."""
        return self._step.on_tick(tables, now_ms)

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Pass on."""
        self._step.on_replica(topic, records)

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Pass on."""
        self._step.on_revoked(partitions)


def clean_step() -> Step:
    """Return a fresh step with the settings of the environment."""
    return SPEC.create_step(Settings.from_env(os.environ))


def new_step(config: ContestantConfig) -> Step:
    """Return a fresh step that starts the clock."""
    return ClockedStep(clean_step(), Path(config.state_dir) / STARTED_FILE)


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


class DictTable:
    """A table view over one dict, remembering which keys changed since the last flush."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.dirty: set[str] = set()

    def get(self, key: str) -> bytes | None:
        """Return the value of ``key`` or None."""
        return self.values.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Set ``key`` and mark it for the changelog."""
        self.values[key] = value
        self.dirty.add(key)

    def delete(self, key: str) -> None:
        """Remove ``key`` and mark it for a tombstone."""
        self.values.pop(key, None)
        self.dirty.add(key)

    def keys(self) -> Sequence[str]:
        """Return all keys."""
        return list(self.values)

    def take_dirty(self) -> list[tuple[str, bytes | None]]:
        """Return the changed keys with their latest value and forget that they changed."""
        changed = [(key, self.values.get(key)) for key in self.dirty]
        self.dirty.clear()
        return changed


def record_of(message: object) -> Record:
    """Turn an aiokafka ``ConsumerRecord`` into the record that a step takes."""
    return Record(
        message.topic,  # type: ignore[attr-defined]
        message.partition,  # type: ignore[attr-defined]
        message.offset,  # type: ignore[attr-defined]
        message.timestamp,  # type: ignore[attr-defined]
        message.key,  # type: ignore[attr-defined]
        message.value,  # type: ignore[attr-defined]
    )
