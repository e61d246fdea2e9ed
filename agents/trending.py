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
    Start,
    decode_buckets,
    decode_starts,
    encode_buckets,
    encode_starts,
    oldest_hour,
    oldest_start,
    partial,
)
from infra.settings import Settings
from schemas.codec import encode
from schemas.ids import KEY_SEPARATOR
from schemas.interaction import Interaction
from topics.catalog import INTERACTIONS, TRENDING

HEADER = "#shard"  # table key; the others are content|region, and users with what they started
# A list with a half-life of a day need not be fresher. Writing one partial of 2,000 titles takes
# 13 ms, as long as the step may hold up its neighbours, so a tick emits one shard at most.
EMIT_INTERVAL_MS = 5000
CLOCK_SKEW_MAX_MS = 5 * 60_000
TICK_S = 0.5
HOURS_A_DAY = 24
GATHER_MS = 250  # what is emitted every few seconds need not be counted at once
CountKey = tuple[str, str]  # content id, region


class Shard:
    """One user partition, decoded: counts, what expires when, watermark, and the replay guard.

    The guard is the newest (source offset, ordinal) taken in: interactions are first emitted in
    that order, so whatever is not beyond it was counted before. The size is bounded by the window:
    one bucket per title, region and hour in which somebody began to watch, and in the table, by
    user, the starts that were counted: so a user's part can be taken out again.
    """

    def __init__(self, table: TableView) -> None:
        self.watermark_ms = 0
        self.guard = (-1, -1)
        self.counts: dict[CountKey, Buckets] = {}
        self.keys_by_hour: dict[int, set[CountKey]] = defaultdict(set)
        self.dirty_keys: set[CountKey] = set()
        self._users: set[str] = set()  # whose starts are in the table, staged writes included
        self.emitted_at_ms = -EMIT_INTERVAL_MS
        self.changed = True  # nothing is known about what was emitted before: emit once
        for name in table.keys():  # noqa: SIM118 -- a table view is not a mapping
            self._load(name, table.get(name) or b"")

    def _load(self, name: str, value: bytes) -> None:
        if name == HEADER:
            self.watermark_ms, offset, ordinal = orjson.loads(value)
            self.guard = (offset, ordinal)
            return
        if KEY_SEPARATOR not in name:
            self._users.add(name)  # what they started is read when it is needed
            return
        content_id, _, region = name.rpartition(KEY_SEPARATOR)
        key = (content_id, region)
        self.counts[key] = decode_buckets(value)
        for hour in self.counts[key]:
            self.keys_by_hour[hour].add(key)

    def apply(self, interaction: Interaction, recorded_at_ms: int, table: TableView) -> bool:
        """Count one interaction, or take out an erased user; False when it was taken in before.

        A clock that runs ahead must not push everybody else out of the window: an event counts at
        most ``CLOCK_SKEW_MAX_MS`` after Kafka recorded it.
        """
        pair = (interaction.source_offset, interaction.ordinal)
        if pair <= self.guard:
            return False
        self.guard = pair
        self.changed = True
        if interaction.kind == "erased":
            self._erase(interaction.user_id, table)
            return True
        occurred_at_ms = min(interaction.occurred_at_ms, recorded_at_ms + CLOCK_SKEW_MAX_MS)
        self._advance(occurred_at_ms, table)
        hour = occurred_at_ms // HOUR_MS
        first_watch = interaction.kind == "started" and interaction.epoch == 0
        if first_watch and hour >= oldest_hour(self.watermark_ms):
            start = Start(hour, interaction.content_id, interaction.region or NO_REGION)
            self._count(start, 1)
            kept = self._in_window(table.get(interaction.user_id) or b"")
            self._put(interaction.user_id, [*kept, start], table)
        return True

    def _put(self, user_id: str, starts: Sequence[Start], table: TableView) -> None:
        if starts:
            self._users.add(user_id)
            table.put(user_id, encode_starts(starts))
        else:
            self._users.discard(user_id)
            table.delete(user_id)

    def _count(self, start: Start, viewers: int) -> None:
        hour, *names = start
        key = (names[0], names[1])
        buckets = self.counts.setdefault(key, {})
        buckets[hour] = buckets.get(hour, 0) + viewers
        if buckets[hour] == 0:
            del buckets[hour]
            self.keys_by_hour[hour].discard(key)
        else:
            self.keys_by_hour[hour].add(key)
        self.dirty_keys.add(key)

    def _in_window(self, starts: bytes) -> list[Start]:
        oldest = oldest_hour(self.watermark_ms)
        return [start for start in decode_starts(starts) if start.hour >= oldest]

    def _erase(self, user_id: str, table: TableView) -> None:
        """Take out what a user was counted for; what left the window is not counted any more."""
        if user_id not in self._users:
            return
        for start in self._in_window(table.get(user_id) or b""):
            self._count(start, -1)
        self._put(user_id, [], table)

    def _sweep(self, table: TableView) -> None:
        """Drop the starts that left the window, once a day of event time; the others wait."""
        oldest = oldest_hour(self.watermark_ms)
        for user_id in sorted(self._users):
            starts = table.get(user_id) or b""
            if oldest_start(starts) < oldest:
                self._put(user_id, self._in_window(starts), table)

    def _advance(self, occurred_at_ms: int, table: TableView) -> None:
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
        if oldest // HOURS_A_DAY != oldest_hour(before) // HOURS_A_DAY:
            self._sweep(table)

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
            if shard.apply(interaction, record.timestamp_ms, table):
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
