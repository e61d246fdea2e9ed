"""interactions -> [viewer profiles; co-watch and trending scored in batches] -> slates."""

from collections import Counter
from collections.abc import Mapping, Sequence

from agents.decoding import decoded
from agents.intake import ContentIntake, put_rule
from agents.spec import BaseStep, Emit, Outcome, Record, StreamAgent, TableView
from agents.weights import take_weights
from domain.ranking.scoring import Ranker
from domain.slate_index import ContentSide
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import first_model
from domain.viewer_profile import ViewerProfile, decode_profile, encode_profile
from infra.metrics import EVENT_TO_SLATE, SLATE_ENTRIES
from infra.settings import Settings
from schemas.codec import decode
from schemas.interaction import Interaction
from schemas.value_model import ValueModel
from topics.catalog import (
    CONTENTS,
    EMBEDDING_NEIGHBOURS,
    INTERACTIONS,
    NEIGHBOURS,
    NEXT_TITLES,
    RANKING_RULES,
    SLATES,
    TITLE_STATISTICS,
    TOGETHER,
    TRENDING,
    VALUE_MODELS,
)
from topics.spec import TopicSpec

TICK_S = 0.02
USERS_PER_CALL = 16  # scored in one go: 1 ms each bounds how long a call keeps the event loop
LIVE_BATCH_MAX = 200  # more records at once are a backlog: its users wait for the ticks

NO_PROFILES: Mapping[str, ViewerProfile] = {}

# First byte of a table value: whether the newest slate says everything the profile knows.
PENDING, EMITTED = b"p", b"e"


class Waiting:
    """Users of one partition whose slate is behind their profile, in order of arrival."""

    def __init__(self, refresh_ms: int, table: TableView) -> None:
        self._refresh_ms = refresh_ms
        behind = [user for user in table.keys() if (table.get(user) or EMITTED)[:1] == PENDING]  # noqa: SIM118 -- a table view is not a mapping
        self._users: dict[str, int | None] = dict.fromkeys(sorted(behind))
        self._emitted_at_ms: dict[str, int] = {}

    def remove(self, user: str) -> None:
        """Forget a user."""
        self._users.pop(user, None)
        self._emitted_at_ms.pop(user, None)

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

    A changed content side or rule does not recompute slates by itself: the next interaction of a
    user does. A removed title enters no new slate. Which users are behind is kept in the table, so
    a crash between an interaction and its slate loses nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._rules = SlateRules(
            size=settings.slate_size,
            ttl_s=settings.slate_ttl_s,
            diversity=settings.slate_diversity,
            exploration=settings.exploration_budget,
            age_max=settings.slate_age_max,
        )
        self._refresh_ms = settings.slate_refresh_ms
        content = ContentSide()
        self._ranker = Ranker(content, first_model())
        self._intake = ContentIntake(content, self._ranker.refresh)
        self._turn = 0
        self._ready = False
        self._waiting: dict[int, Waiting] = {}

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in what is known of titles, the weights of the sources, and the ranking rules."""
        if topic == VALUE_MODELS:
            for record in records:
                if record.value is not None:
                    take_weights(self._ranker.model, decode(ValueModel, record.value))
            self._ranker.refresh()
        elif topic == RANKING_RULES:
            for record in records:
                put_rule(self._ranker.content, record)
        else:
            self._intake.add(topic, records)

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Merge interactions into profiles; emit slates of users that need not wait.

        An erasure empties the profile and takes the slate back; what follows is of a new user.
        """
        outcome = Outcome()
        waiting = self._waiting_of(partition, table)
        profiles: dict[str, ViewerProfile] = {}
        accepted_at_ms: dict[str, int] = {}
        for record, interaction in decoded(Interaction, records, outcome):
            user = interaction.user_id
            if user not in profiles:
                profiles[user] = _profile(table, user)
                accepted_at_ms[user] = record.timestamp_ms
            if interaction.kind == "erased" and profiles[user].precedes(interaction):
                profiles[user] = ViewerProfile()
                outcome.emits.append(Emit(SLATES, user.encode(), None, partition))
                outcome.applied += 1
            elif interaction.kind != "erased" and profiles[user].merge(interaction):
                outcome.applied += 1
            else:
                outcome.deduplicated += 1
        for user, profile in profiles.items():
            if profile.is_empty():
                _forget(table, waiting, user)
                continue
            table.put(user, PENDING + encode_profile(profile))
            waiting.add(user, accepted_at_ms[user])
        count = USERS_PER_CALL if len(records) <= LIVE_BATCH_MAX else 0
        users = waiting.take_due(count, now_ms)
        known = {user: profiles[user] for user in users if user in profiles}
        outcome.emits += self._emit(partition, table, users, now_ms, known)
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
        self,
        partition: int,
        table: TableView,
        users: Mapping[str, int | None],
        now_ms: int,
        known: Mapping[str, ViewerProfile] = NO_PROFILES,
    ) -> list[Emit]:
        """Return the slates of some users; profiles that are ``known`` are not decoded again."""
        if not users:
            return []
        if not self._ready:
            self._intake.work(now_ms)
            self._ready = True
        viewers = [Viewer(user, known.get(user) or _profile(table, user)) for user in users]
        slates = build_slates(self._ranker, viewers, self._rules, now_ms)
        kinds = Counter(kind for slate in slates for kind in slate.kinds)
        for kind, count in kinds.items():
            SLATE_ENTRIES.labels(kind).inc(count)
        for user, accepted_at_ms in users.items():
            table.put(user, EMITTED + (table.get(user) or b" ")[1:])
            if accepted_at_ms is not None:
                EVENT_TO_SLATE.observe(max(0, now_ms - accepted_at_ms) / 1000)
        return [
            Emit(SLATES, user.encode(), slate.value, partition)
            for user, slate in zip(users, slates, strict=True)
        ]


def _forget(table: TableView, waiting: Waiting, user: str) -> None:
    waiting.remove(user)
    if table.get(user) is not None:
        table.delete(user)


def _profile(table: TableView, user: str) -> ViewerProfile:
    value = table.get(user)
    return ViewerProfile() if value is None else decode_profile(value[1:])


SPEC = StreamAgent(
    name="slates",
    source=INTERACTIONS,
    table="viewer-profiles",
    replicas=(
        CONTENTS,
        TRENDING,
        NEIGHBOURS,
        TOGETHER,
        NEXT_TITLES,
        EMBEDDING_NEIGHBOURS,
        TITLE_STATISTICS,
        VALUE_MODELS,
        RANKING_RULES,
    ),
    emits=(SLATES,),
    tick_s=TICK_S,
    create_step=SlatesStep,
)
