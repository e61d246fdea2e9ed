"""interactions -> [viewer profiles; co-watch and trending scored in batches] -> slates."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import orjson

from agents.decoding import decoded
from agents.spec import BaseStep, Emit, Outcome, Record, StreamAgent, TableView
from domain.slate_index import ContentSide
from domain.slates import SlateRules, Viewer, build_slates
from domain.viewer_profile import ViewerProfile, decode_profile, encode_profile
from infra.metrics import EVENT_TO_SLATE
from infra.settings import Settings
from schemas.codec import decode
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.trending import TrendingPartial
from topics.catalog import CONTENTS, INTERACTIONS, NEIGHBOURS, SLATES, TRENDING
from topics.spec import TopicSpec

TICK_S = 0.02
USERS_PER_CALL = 64  # scored in one go: bounds how long a call keeps the event loop
LIVE_BATCH_MAX = 200  # more records at once are a backlog: its users wait for the ticks
NEIGHBOUR_ROWS_PER_TICK = 200  # a refit's burst is taken in over many ticks, beside the hot path
REBUILD_INTERVAL_MS = 2500  # partials arrive every few seconds

# First byte of a table value: whether the newest slate says everything the profile knows.
PENDING, EMITTED = b"p", b"e"


class ContentIntake:
    """Brings replicated records into the content side without holding up the hot path.

    A refit sends thousands of neighbour rows at once: they wait undecoded, and a few are taken in
    per tick. Trending lists are merged anew every few seconds at most.
    """

    def __init__(self, content: ContentSide) -> None:
        self._content = content
        self._rows: deque[Record] = deque()
        self._rebuilt_at_ms: int | None = None

    def add(self, topic: TopicSpec, records: Iterable[Record]) -> None:
        """Take records of one topic; contents count at once."""
        if topic == NEIGHBOURS:
            self._rows.extend(records)
            return
        for record in records:
            if topic == CONTENTS:
                self._take_content(record)
            elif record.value is None:
                self._content.remove_trending(_key(record))
            else:
                self._content.put_trending(decode(TrendingPartial, record.value))

    def work(self, now_ms: int) -> None:
        """Take in a few waiting rows; rebuild what is stale and due.

        The first call takes in everything: before it there is no model to go on with.
        """
        first = self._rebuilt_at_ms is None
        count = len(self._rows) if first else NEIGHBOUR_ROWS_PER_TICK
        for _ in range(min(count, len(self._rows))):
            self._take_row(self._rows.popleft())
        if self._rebuilt_at_ms is not None and now_ms - self._rebuilt_at_ms < REBUILD_INTERVAL_MS:
            return
        self._rebuilt_at_ms = now_ms
        if self._content.trending_stale:
            self._content.rebuild_trending()

    def _take_content(self, record: Record) -> None:
        if record.value is None:
            self._content.remove_content(_key(record))
        else:
            self._content.put_content(decode(Content, record.value))

    def _take_row(self, record: Record) -> None:
        if record.value is None:
            self._content.remove_neighbours(_key(record))
            return
        # Not through the codec: models for a refit's million weights would take seconds.
        row = orjson.loads(record.value)
        neighbours = row["neighbours"]
        self._content.put_neighbours(
            row["content_id"],
            row["model_version"],
            [each["content_id"] for each in neighbours],
            [each["weight"] for each in neighbours],
        )


class Waiting:
    """Users of one partition whose slate is behind their profile, in order of arrival."""

    def __init__(self, refresh_ms: int, table: TableView) -> None:
        self._refresh_ms = refresh_ms
        behind = [user for user in table.keys() if (table.get(user) or EMITTED)[:1] == PENDING]  # noqa: SIM118 -- a table view is not a mapping
        self._users: dict[str, int | None] = dict.fromkeys(sorted(behind))
        self._emitted_at_ms: dict[str, int] = {}

    def add(self, user: str, accepted_at_ms: int) -> None:
        """A user's profile changed, by an event that the gateway accepted at that time."""
        self._users.setdefault(user, accepted_at_ms)

    def take_due(self, count: int, now_ms: int) -> dict[str, int | None]:
        """Take out at most ``count`` users whose last slate is old enough.

        Returns: user -> when the first event it waits for was accepted; None after a restart.
        """
        due: dict[str, int | None] = {}
        for user, accepted_at_ms in self._users.items():
            if len(due) == count:
                break
            if now_ms - self._emitted_at_ms.get(user, -self._refresh_ms) >= self._refresh_ms:
                due[user] = accepted_at_ms
        for user in due:
            del self._users[user]
            self._emitted_at_ms.pop(user, None)
            self._emitted_at_ms[user] = now_ms
        self._forget(now_ms)
        return due

    def _forget(self, now_ms: int) -> None:
        """Drop times that no longer hold anybody back; they are in order of time."""
        while self._emitted_at_ms:
            user = next(iter(self._emitted_at_ms))
            if now_ms - self._emitted_at_ms[user] < self._refresh_ms:
                return
            del self._emitted_at_ms[user]


class SlatesStep(BaseStep):
    """Keeps profiles and scores users whose profile changed, each at most once per refresh time.

    A changed content side does not recompute slates by itself: the next interaction of a user does.
    A removed title enters no new slate. Which users are behind is kept in the table, so a crash
    between an interaction and its slate loses nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._rules = SlateRules(size=settings.slate_size, ttl_s=settings.slate_ttl_s)
        self._refresh_ms = settings.slate_refresh_ms
        self._content = ContentSide()
        self._intake = ContentIntake(self._content)
        self._turn = 0
        self._ready = False
        self._waiting: dict[int, Waiting] = {}

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in contents, trending and neighbours."""
        self._intake.add(topic, records)

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Merge interactions into profiles; emit slates of users that need not wait."""
        outcome = Outcome()
        waiting = self._waiting_of(partition, table)
        profiles: dict[str, ViewerProfile] = {}
        accepted_at_ms: dict[str, int] = {}
        for record, interaction in decoded(Interaction, records, outcome):
            user = interaction.user_id
            if user not in profiles:
                profiles[user] = _profile(table, user)
                accepted_at_ms[user] = record.timestamp_ms
            if profiles[user].merge(interaction):
                outcome.applied += 1
            else:
                outcome.deduplicated += 1
        for user, profile in profiles.items():
            table.put(user, PENDING + encode_profile(profile))
            waiting.add(user, accepted_at_ms[user])
        count = USERS_PER_CALL if len(records) <= LIVE_BATCH_MAX else 0
        users = waiting.take_due(count, now_ms)
        outcome.emits = self._emit(partition, table, users, now_ms)
        return outcome

    def on_tick(self, tables: Mapping[int, TableView], now_ms: int) -> list[Emit]:
        """Emit slates of users whose wait is over; partitions take turns to be first."""
        self._intake.work(now_ms)
        self._ready = True
        emits: list[Emit] = []
        partitions = sorted(tables)
        self._turn = (self._turn + 1) % max(1, len(partitions))
        for partition in partitions[self._turn :] + partitions[: self._turn]:
            table, count = tables[partition], USERS_PER_CALL - len(emits)
            users = self._waiting_of(partition, table).take_due(count, now_ms)
            emits += self._emit(partition, table, users, now_ms)
        return emits

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Forget who waits; the table knows."""
        for partition in partitions:
            self._waiting.pop(partition, None)

    def _waiting_of(self, partition: int, table: TableView) -> Waiting:
        if partition not in self._waiting:
            self._waiting[partition] = Waiting(self._refresh_ms, table)
        return self._waiting[partition]

    def _emit(
        self, partition: int, table: TableView, users: Mapping[str, int | None], now_ms: int
    ) -> list[Emit]:
        if not users:
            return []
        if not self._ready:
            self._intake.work(now_ms)
            self._ready = True
        viewers = [Viewer(user, _profile(table, user)) for user in users]
        slates = build_slates(self._content, viewers, self._rules, now_ms)
        for user, accepted_at_ms in users.items():
            table.put(user, EMITTED + (table.get(user) or b" ")[1:])
            if accepted_at_ms is not None:
                EVENT_TO_SLATE.observe(max(0, now_ms - accepted_at_ms) / 1000)
        return [
            Emit(SLATES, user.encode(), slate, partition)
            for user, slate in zip(users, slates, strict=True)
        ]


def _profile(table: TableView, user: str) -> ViewerProfile:
    value = table.get(user)
    return ViewerProfile() if value is None else decode_profile(value[1:])


def _key(record: Record) -> str:
    if record.key is None:
        raise ValueError(f"{record.topic}/{record.partition}@{record.offset} has no key")
    return record.key.decode()


SPEC = StreamAgent(
    name="slates",
    source=INTERACTIONS,
    table="viewer-profiles",
    replicas=(CONTENTS, TRENDING, NEIGHBOURS),
    emits=(SLATES,),
    tick_s=TICK_S,
    create_step=SlatesStep,
)
