"""Tables: encoded bytes by key in memory, a write-behind changelog in Kafka, recovery from it.

A step writes into a staged layer that is kept only if the step succeeds. Kept writes are remembered
as dirty; a commit writes the last value of each dirty key to the changelog, so a key that changed a
thousand times in a second costs one record.

Every changelog value starts with the 8-byte source position it was written at (a tombstone has it
in a header). Recovery keeps the value with the greatest position per key, so a paused worker that
wakes up after losing its partition cannot put the past back (Kafka would let its late write win).
"""

import time
from collections.abc import Iterator, Sequence

from aiokafka import TopicPartition

from agents.runtime.emitter import Item
from infra.kafka.cluster import Cluster, open_consumer

POSITION_BYTES = 8
POSITION_HEADER = "position"
NO_POSITION = bytes(POSITION_BYTES)
RECOVERY_FETCH_BYTES = 4 * 1024 * 1024


class PartitionTable:
    """One partition of one table. Implements ``agents.spec.TableView``."""

    __slots__ = ("_data", "_dirty", "_staged", "position")

    def __init__(self, data: dict[str, bytes] | None = None, position: int = 0) -> None:
        self.position = position  # the greatest source position it was restored from
        self._data: dict[str, bytes] = {} if data is None else data
        self._staged: dict[str, bytes | None] = {}
        self._dirty: dict[str, bytes | None] = {}

    def get(self, key: str) -> bytes | None:
        """Return the value of ``key``, staged writes included."""
        if key in self._staged:
            return self._staged[key]
        return self._data.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Stage a write."""
        self._staged[key] = value

    def delete(self, key: str) -> None:
        """Stage a removal."""
        self._staged[key] = None

    def keys(self) -> Sequence[str]:
        """Keys kept so far (staged writes excluded)."""
        return list(self._data)

    def largest_staged(self) -> int:
        """Size of the largest staged value, bytes."""
        return max((len(value) for value in self._staged.values() if value is not None), default=0)

    def keep(self) -> None:
        """Keep the staged writes: the step succeeded."""
        for key, value in self._staged.items():
            if value is None:
                self._data.pop(key, None)
            else:
                self._data[key] = value
        self._dirty.update(self._staged)
        self._staged = {}

    def discard(self) -> None:
        """Drop the staged writes: the step failed."""
        self._staged = {}

    def take_dirty(self) -> dict[str, bytes | None]:
        """Return what changed since the last call and start a new collection."""
        dirty, self._dirty = self._dirty, {}
        return dirty

    def __len__(self) -> int:
        return len(self._data)


def changelog_items(dirty: dict[str, bytes | None], position: int) -> Iterator[Item]:
    """Changelog records of dirty keys. A removal is a tombstone with the position in a header."""
    prefix = position.to_bytes(POSITION_BYTES, "big")
    for key, value in dirty.items():
        if value is None:
            yield Item(key.encode(), None, None, [(POSITION_HEADER, prefix)])
        else:
            yield Item(key.encode(), prefix + value)


class Restored:
    """Folds changelog records of one partition, in offset order, into a table."""

    def __init__(self) -> None:
        self._latest: dict[str, bytes] = {}
        self._removed: dict[str, bytes] = {}  # key -> position of its tombstone

    def add(
        self, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Take one record; an older source position than the one held is a zombie's write."""
        name = key.decode()
        held = self._latest.get(name)
        if held is None:
            held = self._removed.get(name) if self._removed else None
        position = dict(headers).get(POSITION_HEADER, NO_POSITION) if value is None else value
        if held is not None and held[:POSITION_BYTES] > position[:POSITION_BYTES]:
            return
        if value is None:
            self._latest.pop(name, None)
            self._removed[name] = position
        else:
            self._latest[name] = value
            self._removed.pop(name, None)

    def table(self) -> PartitionTable:
        """Return the restored table; this object is used up."""
        latest = self._latest
        position = NO_POSITION
        for name, value in latest.items():
            position = max(position, value[:POSITION_BYTES])
            latest[name] = value[POSITION_BYTES:]
        position = max(position, max(self._removed.values(), default=NO_POSITION))
        return PartitionTable(latest, int.from_bytes(position, "big"))


async def restore(
    cluster: Cluster, changelog: str, partitions: Sequence[int]
) -> tuple[dict[int, PartitionTable], float]:
    """Read whole changelog partitions; return the tables and the seconds it took."""
    started = time.monotonic()
    restored = {partition: Restored() for partition in partitions}
    targets = [TopicPartition(changelog, partition) for partition in partitions]
    async with open_consumer(
        cluster,
        enable_auto_commit=False,
        max_partition_fetch_bytes=RECOVERY_FETCH_BYTES,
        fetch_max_wait_ms=100,
    ) as consumer:
        consumer.assign(targets)
        ends = await consumer.end_offsets(targets)
        starts = await consumer.beginning_offsets(targets)
        for target in targets:
            consumer.seek(target, starts[target])
        pending = {target for target in targets if starts[target] < ends[target]}
        while pending:
            for target, records in (await consumer.getmany(timeout_ms=500)).items():
                add = restored[target.partition].add
                for record in records:
                    add(record.key, record.value, record.headers)
            for target in list(pending):
                if await consumer.position(target) >= ends[target]:
                    pending.discard(target)
    tables = {partition: each.table() for partition, each in restored.items()}
    return tables, time.monotonic() - started
