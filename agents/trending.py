"""interactions -> [hourly unique viewers per title and region] -> trending-partials."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson

from agents.decoding import decoded
from agents.spec import BaseStep, Emit, Outcome, Record, StreamAgent, TableView
from domain.trending import (
    HOUR_MS,
    NO_REGION,
    Buckets,
    decode_buckets,
    encode_buckets,
    oldest_hour,
    partial,
)
from infra.settings import Settings
from schemas.codec import encode
from schemas.ids import KEY_SEPARATOR
from schemas.interaction import Interaction
from topics.catalog import INTERACTIONS, TRENDING

HEADER = "#shard"  # table key; the others are content|region
# A list with a half-life of a day need not be fresher. Writing one partial of 2,000 titles takes
# 13 ms, as long as the step may hold up its neighbours, so a tick emits one shard at most.
EMIT_INTERVAL_MS = 5000
CLOCK_SKEW_MAX_MS = 5 * 60_000
TICK_S = 0.5
GATHER_MS = 250  # what is emitted every few seconds need not be counted at once
CountKey = tuple[str, str]  # content id, region


class Shard:
    """One user partition, decoded: counts, what expires when, watermark, and the replay guard.

    The guard is the newest (source offset, ordinal) taken in: interactions are first emitted in
    that order, so whatever is not beyond it was counted before. The size is bounded by the window:
    one bucket per title, region and hour in which somebody began to watch.
    """

    def __init__(self, table: TableView) -> None:
        self.watermark_ms = 0
        self.guard = (-1, -1)
        self.counts: dict[CountKey, Buckets] = {}
        self.keys_by_hour: dict[int, set[CountKey]] = defaultdict(set)
        self.dirty_keys: set[CountKey] = set()
        self.emitted_at_ms = -EMIT_INTERVAL_MS
        self.changed = True  # nothing is known about what was emitted before: emit once
        for name in table.keys():  # noqa: SIM118 -- a table view is not a mapping
            self._load(name, table.get(name) or b"")

    def _load(self, name: str, value: bytes) -> None:
        if name == HEADER:
            self.watermark_ms, offset, ordinal = orjson.loads(value)
            self.guard = (offset, ordinal)
            return
        content_id, _, region = name.rpartition(KEY_SEPARATOR)
        key = (content_id, region)
        self.counts[key] = decode_buckets(value)
        for hour in self.counts[key]:
            self.keys_by_hour[hour].add(key)

    def apply(self, interaction: Interaction, recorded_at_ms: int) -> bool:
        """Count one interaction; return False when it was taken in before.

        A clock that runs ahead must not push everybody else out of the window: an event counts at
        most ``CLOCK_SKEW_MAX_MS`` after Kafka recorded it.
        """
        pair = (interaction.source_offset, interaction.ordinal)
        if pair <= self.guard:
            return False
        self.guard = pair
        self.changed = True
        occurred_at_ms = min(interaction.occurred_at_ms, recorded_at_ms + CLOCK_SKEW_MAX_MS)
        self._advance(occurred_at_ms)
        hour = occurred_at_ms // HOUR_MS
        first_watch = interaction.kind == "started" and interaction.epoch == 0
        if first_watch and hour >= oldest_hour(self.watermark_ms):
            key = (interaction.content_id, interaction.region or NO_REGION)
            buckets = self.counts.setdefault(key, {})
            buckets[hour] = buckets.get(hour, 0) + 1
            self.keys_by_hour[hour].add(key)
            self.dirty_keys.add(key)
        return True

    def _advance(self, occurred_at_ms: int) -> None:
        if occurred_at_ms <= self.watermark_ms:
            return
        before, self.watermark_ms = self.watermark_ms, occurred_at_ms
        oldest = oldest_hour(occurred_at_ms)
        if oldest == oldest_hour(before):
            return
        for hour in [hour for hour in self.keys_by_hour if hour < oldest]:
            for key in self.keys_by_hour.pop(hour):
                del self.counts[key][hour]
                self.dirty_keys.add(key)

    def write(self, table: TableView) -> None:
        """Write what changed: the header and the touched titles, never the whole shard."""
        table.put(HEADER, orjson.dumps([self.watermark_ms, *self.guard]))
        for key in sorted(self.dirty_keys):
            name = KEY_SEPARATOR.join(key)
            if self.counts[key]:
                table.put(name, encode_buckets(self.counts[key]))
            else:
                del self.counts[key]
                table.delete(name)
        self.dirty_keys.clear()


class TrendingStep(BaseStep):
    """Counts first watches; emits the partial of a changed shard every few seconds."""

    def __init__(self, settings: Settings) -> None:
        self._half_life_ms = round(settings.trending_half_life_h * HOUR_MS)
        self._shards: dict[int, Shard] = {}  # a cache of the tables

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Count the batch and write what it changed."""
        outcome = Outcome()
        shard = self._shard(partition, table)
        for record, interaction in decoded(Interaction, records, outcome):
            if shard.apply(interaction, record.timestamp_ms):
                outcome.applied += 1
            else:
                outcome.deduplicated += 1
        if outcome.applied:
            shard.write(table)
        return outcome

    def on_tick(self, tables: Mapping[int, TableView], now_ms: int) -> list[Emit]:
        """Emit the changed shard that has waited longest, if that is ``EMIT_INTERVAL_MS``."""
        waiting = [
            (shard.emitted_at_ms, partition)
            for partition, table in tables.items()
            if (shard := self._shard(partition, table)).changed and shard.watermark_ms > 0
        ]
        emitted_at_ms, partition = min(waiting, default=(now_ms, -1))
        if now_ms - emitted_at_ms < EMIT_INTERVAL_MS:
            return []
        shard, name = self._shards[partition], str(partition)
        part = partial(name, shard.counts, shard.watermark_ms, self._half_life_ms)
        shard.changed = False
        shard.emitted_at_ms = now_ms
        return [Emit(TRENDING, name.encode(), encode(part), None)]

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Forget the decoded shards."""
        for partition in partitions:
            self._shards.pop(partition, None)

    def _shard(self, partition: int, table: TableView) -> Shard:
        if partition not in self._shards:
            self._shards[partition] = Shard(table)
        return self._shards[partition]


SPEC = StreamAgent(
    name="trending",
    source=INTERACTIONS,
    table="trending",
    emits=(TRENDING,),
    tick_s=TICK_S,
    gather_ms=GATHER_MS,
    create_step=TrendingStep,
)
