"""webhooks -> [records of partners, resolved into titles] -> contents.

Beside that, by ticks: records -> texts to be encoded, vectors of these -> titles, and so contents.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agents.catalogue_metrics import CatalogueMetrics
from agents.catalogue_texts import TEXT, VectorReplica, text_emits
from agents.decoding import decoded
from agents.spec import BaseStep, Emit, Outcome, Record, Reject, StreamAgent, TableView
from domain.catalogue.canonical import alias_of, content_of
from domain.catalogue.events import change_of, mapped_of
from domain.catalogue.grouping import Group
from domain.catalogue.identity import (
    external_content_ids,
    hashed_content_id,
    partner_content_id,
)  # fmt: skip
from domain.catalogue.mapped import Mapped, MappingError
from domain.catalogue.record import (
    RecordState,
    decode_record,
    encode_record,
    partner_of,
    record_key,
)  # fmt: skip
from domain.catalogue.resolution import Resolver
from infra.settings import Settings
from schemas.codec import encode
from schemas.content import Content
from schemas.webhook import WebhookReceived
from topics.catalog import CONTENTS, RECORD_TEXTS, RECORD_VECTORS, WEBHOOKS
from topics.spec import TopicSpec

# Table keys: one state per partner record, who has which name, and texts that wait for a vector or
# have one (``TEXT``).
RECORD = "record|"  # + partner | its own id -> state
NAME = "name|"  # + content id -> digest of what is published there, and the record's key
DIGEST_CHARACTERS = 16
NOTHING = "-" * DIGEST_CHARACTERS  # no content is published under the name
TICK_S = 0.5  # a vector takes longer than that to be made


class CatalogueStep(BaseStep):
    """Merges webhooks into records, groups records, emits the contents that changed.

    The resolver of a partition is a cache: a function of the records in the table and of the
    vectors. Vectors come from a topic that is read whole at start, and change groups by ticks.
    """

    def __init__(self) -> None:
        self._resolvers: dict[int, Resolver] = {}
        self._unsure: dict[int, set[str]] = {}  # records whose content may not be what is published
        self._vectors = VectorReplica()
        self._metrics = CatalogueMetrics()

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Process webhooks in order; each changed title is emitted once per batch."""
        outcome = Outcome()
        batch = _Batch(table, self._resolver(partition, table))
        for record, webhook in decoded(WebhookReceived, records, outcome):
            self._metrics.received(webhook.partner, webhook.received_at_ms, now_ms)
            try:
                mapped = mapped_of(webhook)
                changed = batch.take(webhook, mapped, record.offset)
            except MappingError as error:
                self._metrics.refused(webhook.partner, error.field_name)
                read_as = f"{webhook.event_type} read as {webhook.mapper}"
                detail = f"partner {webhook.partner}, {read_as}: {error}"
                outcome.rejects.append(Reject(record, "rule", detail))
                continue
            self._metrics.dropped_genres(webhook.mapper, len(mapped.unknown_genres))
            if changed:
                outcome.applied += 1
            else:
                outcome.deduplicated += 1
        outcome.emits += batch.close()
        self._metrics.changed(batch.changed)
        return outcome

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in vectors of records' texts; the next tick looks what they change."""
        changed = self._vectors.take(records)
        for unsure in self._unsure.values():
            unsure |= changed

    def on_tick(self, tables: Mapping[int, TableView], now_ms: int) -> list[Emit]:
        """Group again by the vectors that came, and say which texts are to be encoded."""
        emits: list[Emit] = []
        for partition, table in tables.items():
            resolver = self._resolver(partition, table)
            unsure, self._unsure[partition] = self._unsure[partition], set()
            changed = resolver.hear({key: self._vectors.get(key) for key in unsure})
            known = {key for key in unsure if table.get(RECORD + key) is not None}
            batch = _Batch(table, resolver)
            emits += batch.publish(sorted(changed | known | resolver.following(known)))
            emits += text_emits(table, resolver, batch.open)
        return emits

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Forget the groups: they are made again from the table."""
        for partition in partitions:
            self._resolvers.pop(partition, None)
            self._unsure.pop(partition, None)

    def _resolver(self, partition: int, table: TableView) -> Resolver:
        """Return the groups; when they are made again, ticks look whether they were published.

        Webhooks of which a crash lost the work are read again, vectors are not. What they can have
        changed has a vector, or had a text, or follows the group of such a record.
        """
        found = self._resolvers.get(partition)
        if found is None:
            keys = table.keys()
            states = {
                key.removeprefix(RECORD): decode_record(value)
                for key in keys
                if key.startswith(RECORD) and (value := table.get(key)) is not None
            }
            found = self._resolvers[partition] = Resolver()
            found.hear(self._vectors.all())
            found.update({key: state.facts(key) for key, state in states.items()})
            told = {key.removeprefix(TEXT) for key in keys if key.startswith(TEXT)}
            found.review(told)
            self._unsure[partition] = told | self._vectors.all().keys()
            self._metrics.restart(states)
        return found


class _Batch:
    """The work on one batch: records opened so far, and what they will emit."""

    def __init__(self, table: TableView, resolver: Resolver) -> None:
        self.changed: dict[str, RecordState] = {}
        self._table = table
        self._resolver = resolver
        self._states: dict[str, RecordState] = {}

    def take(self, webhook: WebhookReceived, mapped: Mapped, offset: int) -> bool:
        """Merge one webhook; return whether the state of its record changed.

        A webhook that was merged before, or that newer ones have wholly overruled, changes nothing.

        Raises:
            MappingError: a value is out of range.
        """
        change = change_of(webhook, mapped)  # nothing is written before all of it is checked
        key = record_key(webhook.partner, mapped.partner_id)
        state = self._open(key, offset, mapped.external_ids)
        for link in change.links:
            self._open(link, offset, {})
        state.apply((webhook.occurred_at_ms, webhook.event_id), change)
        value = encode_record(state)
        if value == self._table.get(RECORD + key):
            return False
        self._keep(key, state, value)
        return True

    def close(self) -> Iterator[Emit]:
        """Group the changed records again and yield what is published otherwise than before."""
        facts = {key: state.facts(key) for key, state in self.changed.items()}
        others = self._resolver.update(facts) - facts.keys()
        return self.publish((*facts, *sorted(others)))

    def publish(self, keys: Iterable[str]) -> Iterator[Emit]:
        """Yield what is published otherwise than before of the titles of some records."""
        done: set[str] = set()
        for key in keys:
            group = self._resolver.group(key)
            if group.members[0] not in done:
                done.add(group.members[0])
                yield from self._publish(group)

    def open(self, key: str) -> RecordState:
        """Return the state of a record that there is."""
        return self._open(key, 0, {})

    def _open(self, key: str, offset: int, external_ids: Mapping[str, str | None]) -> RecordState:
        """Return the state of a record; a new one gets its name and place for ever.

        The name depends on the order of webhooks, and nothing else does: an identifier names the
        first record that comes with it. The single partition gives a replay the same order.
        """
        state = self._states.get(key)
        if state is None:
            held = self._table.get(RECORD + key)
            state = self._new(key, offset, external_ids) if held is None else decode_record(held)
            self._states[key] = state
        return state

    def _new(self, key: str, offset: int, external_ids: Mapping[str, str | None]) -> RecordState:
        wanted = (*external_content_ids(external_ids), *partner_content_ids(key))
        name = next(each for each in wanted if self._table.get(NAME + each) is None)
        self._table.put(NAME + name, (NOTHING + key).encode())
        state = RecordState(name, offset)
        self._keep(key, state, encode_record(state))
        return state

    def _keep(self, key: str, state: RecordState, value: bytes) -> None:
        self._table.put(RECORD + key, value)
        self.changed[key] = state

    def _publish(self, group: Group) -> Iterator[Emit]:
        """Yield the content of a group under its id, then its other names, where they changed."""
        states = {key: self.open(key) for key in group.members}
        content_id = self._resolver.name(group.members[0])
        assert content_id is not None
        content = content_of(content_id, group, states, self._resolver.name)
        names = sorted((state.name != content_id, state.name, key) for key, state in states.items())
        for is_alias, name, key in names:
            shown = alias_of(content, name) if is_alias and content else content
            yield from self._emit(name, key, shown)

    def _emit(self, name: str, key: str, content: Content | None) -> Iterator[Emit]:
        value = None if content is None else encode(content)
        digest = NOTHING if value is None else digest_of(value)
        row = (digest + key).encode()
        if row != self._table.get(NAME + name):
            self._table.put(NAME + name, row)
            yield Emit(CONTENTS, name.encode(), value, None)


def partner_content_ids(key: str) -> tuple[str, str]:
    """Return the names that a record's own id gives it: the second one nobody else can have."""
    partner, own_id = partner_of(key)
    return partner_content_id(partner, own_id), hashed_content_id(partner, own_id)


def digest_of(value: bytes) -> str:
    """Return 16 hex digits that are the same if and only if the value is."""
    return hashlib.blake2b(value, digest_size=DIGEST_CHARACTERS // 2).hexdigest()


def _create_step(settings: Settings) -> CatalogueStep:
    return CatalogueStep()


SPEC = StreamAgent(
    name="catalogue",
    source=WEBHOOKS,
    table="contents",
    emits=(CONTENTS, RECORD_TEXTS),
    replicas=(RECORD_VECTORS,),
    tick_s=TICK_S,
    table_version=2,
    create_step=_create_step,
)
