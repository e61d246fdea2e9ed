"""mark -> [every store followed, seen by looking] -> what was removed and what is left."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agents.runtime.table import POSITION_BYTES
from agents.watch_states import SPEC as WATCH_STATES_AGENT
from cli.actor import cli_actor
from cli.erasing import stores
from cli.options import EXIT_FAILED, CommandError
from domain.watch.erasure import table_key, unpack
from infra.kafka.admin import ActualTopic, describe_topics
from infra.kafka.cluster import cluster_of
from infra.kafka.delivery import Produced
from infra.kafka.groups import committed, end_of
from infra.kafka.routing import partition_of
from infra.postgres.erasures import ErasureStore, Noted
from infra.postgres.pool import Pool
from infra.privacy.marks import mark_of, write_marks
from infra.privacy.tables import count_left
from infra.privacy.topics import TopicFinding, search_topic
from infra.privacy.words import Word
from infra.replay.snapshot import Bounds, Snapshots
from infra.security.pseudonyms import Pseudonyms
from infra.settings import Settings
from schemas.codec import decode
from schemas.ids import KEY_SEPARATOR
from schemas.watch_state import WatchState
from topics.catalog import INTERACTIONS, PROGRESS, SLATES, START_SCORES, WATCH_STATES

POLL_S = 0.25
ROUNDS_MAX = 5  # of titles that the ledger had forgotten

NOT_WRITTEN = Produced(-1, -1)

Say = Callable[[str], None]


@dataclass(slots=True)
class Erased:
    """What an erasure did.

    ``noted`` is how it was noted. ``rows`` and ``left`` are by table: deleted since the first
    erasure without a receipt, and still there; ``removed`` are keys that lost their value in the
    same time, by topic and changelog; ``findings`` what these hold of the user's partition
    afterwards; ``topics`` are all topics asked about, as they are configured.
    """

    user_id: str
    pseudonym: str
    noted: Noted
    mark: Produced = NOT_WRITTEN
    rows: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    findings: dict[str, TopicFinding] = field(default_factory=dict)
    topics: dict[str, ActualTopic] = field(default_factory=dict)

    @property
    def erased_at_ms(self) -> int:
        """What occurred until then is refused."""
        return self.noted.erased_at_ms


class Erasing:
    """One erasure in a running system; ``say`` is told what is waited for."""

    def __init__(
        self, settings: Settings, pool: Pool, snapshots: Snapshots, admin: Any, say: Say
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._store = ErasureStore(pool)
        self._snapshots = snapshots
        self._admin = admin
        self._say = say
        self._actor = cli_actor()
        self._deadline_s = 0.0
        self._before: dict[str, int] = {}  # topic -> end of the user's partition before the mark

    async def run(self, user_id: str, now_ms: int, wait_s: float) -> Erased:
        """Erase a user and return when every store has followed.

        Raises:
            CommandError: a store did not follow in time, or a worker refused the mark.
        """
        self._deadline_s = time.monotonic() + wait_s
        pseudonym = Pseudonyms(self._settings.erasure_key).of(user_id)
        partition = partition_of(user_id.encode(), PROGRESS.partitions)
        topics = await self._look_before(partition)
        noted = await self._store.record(self._actor, pseudonym, now_ms)
        erased = Erased(user_id, pseudonym, noted, topics=topics)
        self._say("ending keys of the user")
        await self._store.delete_rows(user_id, pseudonym, erased.erased_at_ms)
        self._say("writing the mark")
        erased.mark = await self._mark(erased, [])
        await self._require_known(erased)
        await self._forgotten_titles(erased)
        for reader in stores.stream_readers(self._settings, INTERACTIONS.name):
            await self._followed(reader, partition)
        for topic in (WATCH_STATES, SLATES):
            for reader in stores.sinks(self._settings, topic.name):
                await self._followed(reader, partition)
        await self._scores_taken_back(partition, user_id)
        self._say("deleting rows that no agent deletes")
        await self._store.delete_rows(user_id, pseudonym, erased.erased_at_ms)
        await self._look_after(erased, partition)
        return erased

    async def _look_before(self, partition: int) -> dict[str, ActualTopic]:
        names = [*stores.state_topics(), *stores.changelogs(self._settings), *stores.fact_topics()]
        found = await describe_topics(cluster_of(self._settings), names)
        topics = {topic.name: topic for topic in found}
        missing = sorted(set(names) - topics.keys())
        if missing:
            raise CommandError(
                f"no topic {', '.join(missing)}: create it with `media-gateway topics apply`"
            )
        for topic in found:
            end = await end_of(self._snapshots, topic.name, topic.partitions, partition)
            self._before[topic.name] = end
        return topics

    async def _mark(self, erased: Erased, content_ids: list[str]) -> Produced:
        """Write the mark, or one for each of some titles, and wait until the ledger has it."""
        user_id, pseudonym, at_ms = erased.user_id, erased.pseudonym, erased.erased_at_ms
        marks = [mark_of(user_id, pseudonym, at_ms, title) for title in content_ids]
        written = await write_marks(
            cluster_of(self._settings), marks or [mark_of(user_id, pseudonym, at_ms)]
        )
        for reader in stores.stream_readers(self._settings, PROGRESS.name):
            await self._followed(reader, written.partition)
        return written

    async def _followed(self, reader: stores.Reader, partition: int) -> None:
        """Wait until a group has committed everything that is in the user's partition now."""
        bounds = await self._snapshots.bounds(reader.topic, PROGRESS.partitions)
        end = bounds.ends[partition]

        async def behind() -> str:
            done = await committed(self._admin, reader.group, reader.topic, partition)
            return "" if done >= end else f"{end - done} records behind"

        await self._until(f"{reader.agent} to follow {reader.topic}", behind)

    async def _until(self, what: str, waiting: Callable[[], Awaitable[str]]) -> None:
        """Ask until nothing is waited for.

        Raises:
            CommandError: at the deadline something still is.
        """
        while reason := await waiting():
            self._say(f"waiting for {what}: {reason}")
            if time.monotonic() > self._deadline_s:
                raise CommandError(
                    f"the mark is written, but not everything has followed: {what}: {reason}. "
                    "Nothing of it is lost; run the command again for the receipt",
                    EXIT_FAILED,
                )
            await asyncio.sleep(POLL_S)

    async def _require_known(self, erased: Erased) -> None:
        """Check that the ledger took the mark in: otherwise it is in the dead letter.

        Raises:
            CommandError: it did not.
        """
        changelog = self._settings.namespace + WATCH_STATES_AGENT.changelog
        key = table_key(erased.pseudonym).encode()
        newest = None
        async for record in self._since(changelog, erased.mark.partition):
            if record.key == key and record.value is not None:
                newest = unpack(record.value[POSITION_BYTES:])
        if newest is None or newest.erased_at_ms < erased.erased_at_ms:
            raise CommandError(
                f"watch-states refused the mark (see {PROGRESS.dead_letter_name}): it must know "
                "erasures, and the same MEDIA_GATEWAY_ERASURE_KEY as this command",
                EXIT_FAILED,
            )

    async def _forgotten_titles(self, erased: Erased) -> None:
        """Take back states of titles that the ledger no longer holds, of which it cannot tell."""
        for _ in range(ROUNDS_MAX):
            self._say(f"looking for what is left in {WATCH_STATES.name}")
            titles = await self._published_titles(erased)
            if not titles:
                return
            await self._mark(erased, titles)

    async def _published_titles(self, erased: Erased) -> list[str]:
        bounds = await self._snapshots.bounds(WATCH_STATES.name, WATCH_STATES.partitions)
        prefix = f"{erased.user_id}{KEY_SEPARATOR}".encode()
        values: dict[bytes, bytes | None] = {}
        async for records in self._snapshots.records(bounds, erased.mark.partition):
            values |= {each.key: each.value for each in records if each.key.startswith(prefix)}
        return [
            key.removeprefix(prefix).decode()
            for key, value in sorted(values.items())
            if value is not None and decode(WatchState, value).updated_at_ms <= erased.erased_at_ms
        ]

    async def _scores_taken_back(self, partition: int, user_id: str) -> None:
        """Wait until each state that was taken back took its scores along."""
        prefix = f"{user_id}{KEY_SEPARATOR}".encode()

        async def tombstones(topic: str) -> set[bytes]:
            return {
                record.key
                async for record in self._since(topic, partition)
                if record.value is None and record.key.startswith(prefix)
            }

        async def waiting() -> str:
            left = await tombstones(WATCH_STATES.name) - await tombstones(START_SCORES.name)
            return f"{len(left)} titles left" if left else ""

        await self._until("value-model to take back its scores", waiting)

    async def _since(self, topic: str, partition: int) -> Any:
        """Yield the records that came into the user's partition since the beginning."""
        bounds = await self._snapshots.bounds(topic, PROGRESS.partitions)
        since = Bounds(topic, {partition: self._before[topic]}, bounds.ends)
        async for records in self._snapshots.records(since, partition):
            for record in records:
                yield record

    async def _look_after(self, erased: Erased, partition: int) -> None:
        word = Word(erased.user_id)
        for name in [*stores.state_topics(), *stores.changelogs(self._settings)]:
            self._say(f"searching {name}")
            finding = await search_topic(self._snapshots, erased.topics[name], word, [partition])
            erased.findings[name] = finding
            erased.removed[name] = sum(
                each.offset >= self._before[name] or each.at_ms >= erased.noted.open_since_ms
                for each in finding.removals
            )
        erased.rows = await self._store.removed(erased.pseudonym)
        erased.left = await count_left(
            self._pool, erased.user_id, erased.erased_at_ms, self._before
        )

    def old_state(self, name: str, finding: TopicFinding) -> int:
        """Return how many keys still have a value from before the erasure."""
        return sum(each.own and each.offset < self._before[name] for each in finding.live)
