"""watch-states -> [every engagement scored, learned, counted] -> weights, next titles, scores.

The whole learner is in memory and made again at every start from the compacted watch states; only
the weights are read back from where they were published.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
import orjson

from agents.intake import key_of, put_content, put_row
from agents.rows import digest_of, encode_row, row_of
from agents.spec import Emit, FollowAgent, Record
from agents.start_scores import scores_record
from agents.weights import MODEL_NAME, record_of, take_weights
from domain.evidence import seen_of
from domain.ranking.learner import Learner
from domain.slate_index import COWATCH, EMBEDDING, TOGETHER, ContentSide
from domain.sources.registry import first_model
from infra.metrics import VALUE_MODEL_LEARNED
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.ids import KEY_SEPARATOR
from schemas.title_statistics import TitleStatistics
from schemas.value_model import ValueModel as ValueModelRecord
from schemas.watch_state import WatchState
from topics import catalog
from topics.catalog import (
    CONTENTS,
    NEXT_TITLES,
    START_SCORES,
    TITLE_STATISTICS,
    VALUE_MODELS,
    WATCH_STATES,
)
from topics.spec import TopicSpec

TICK_S = 0.25
STATES_PER_TICK = 200  # bounds how long a tick keeps the event loop
LESSONS_PER_TICK = 25  # a prediction takes about 1 ms
LEARN_WAITING_MAX = 2000  # beyond it states are counted and not learned from, to catch up
EMIT_INTERVAL_MS = 250
ROWS_PER_EMIT = 100  # a row of 100 neighbours has 5 kB
STATISTICS_PER_EMIT = 500
MODEL_INTERVAL_MS = 5000
TABLE_OF = {
    catalog.NEIGHBOURS.name: COWATCH,
    catalog.TOGETHER.name: TOGETHER,
    catalog.EMBEDDING_NEIGHBOURS.name: EMBEDDING,
}


class ValueModelFollower:
    """Feeds watch states to the learner and publishes what it knows.

    States of one viewer's title that arrive between two ticks count once, with the latest; what was
    erased is taken out first, so that a later state is that of a new viewer. What was
    there before this process started is counted and not learned from: its order is gone.
    """

    def __init__(self, settings: Settings) -> None:
        self._content = ContentSide()
        self._learner = Learner(self._content, first_model(), settings.neighbours_max)
        self._states: dict[bytes, Record] = {}
        self._tombstones: dict[bytes, Record] = {}  # before the states of the same keys
        self._old: deque[Record] | None = None  # None: not read whole yet
        self._rows: dict[int, None] = {}  # to be emitted, oldest change first
        self._statistics: dict[int, None] = {}
        self._next_offsets: dict[int, int] = {}
        self._emitted_at_ms = 0
        self._published = (-1, 0)  # learned and when
        # What is in the topics: key -> digest. Nothing is published twice, and what lost its title
        # or its last viewer while no process ran is taken back.
        self._digests: dict[str, dict[str, bytes]] = {
            NEXT_TITLES.name: {},
            TITLE_STATISTICS.name: {},
        }
        # Starts that an earlier process scored and whose watch state was not seen yet.
        self._scored: dict[bytes, int] = {}  # key -> partition

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in contents and rows at once, watch states at the next ticks."""
        for record in records:
            if record.key is None:
                raise ValueError(f"{topic.name}/{record.partition}@{record.offset} has no key")
            if topic == WATCH_STATES:
                self._states.pop(record.key, None)
                waiting = self._tombstones if record.value is None else self._states
                waiting[record.key] = record
            elif topic == CONTENTS:
                put_content(self._content, record)
            elif topic == VALUE_MODELS:
                self._restore(record)
            elif topic == START_SCORES:
                self._read_back_scores(record.key, record)
            elif topic.name in self._digests:
                self._read_back(record)
            else:
                put_row(self._content, TABLE_OF[topic.name], record)

    def busy(self) -> bool:
        """Whether states are waiting."""
        return bool(self._old) or bool(self._states) or bool(self._tombstones)

    def on_tick(self, now_ms: int) -> list[Emit]:
        """Count old states first, then learn from new ones; emit a bounded part of what changed."""
        emits: list[Emit] = []
        counting = bool(self._old)
        if self._old is None:
            emits = self._settle_tombstones()
            counting, self._old, self._states = True, deque(self._states.values()), {}
        if counting:
            for _ in range(min(STATES_PER_TICK, len(self._old))):
                emits += self._take(self._old.popleft(), learn=False)
            if not self._old:
                emits += self._orphans()
        elif self._tombstones:
            for key in list(self._tombstones)[:STATES_PER_TICK]:
                emits += self._take(self._tombstones.pop(key), learn=False)
        else:
            learn = len(self._states) <= LEARN_WAITING_MAX
            for key in list(self._states)[: LESSONS_PER_TICK if learn else STATES_PER_TICK]:
                emits += self._take(self._states.pop(key), learn=learn)
        if now_ms - self._emitted_at_ms >= EMIT_INTERVAL_MS:
            self._emitted_at_ms = now_ms
            emits += [*self._row_emits(), *self._statistics_emits(), *self._model_emits(now_ms)]
        return emits

    def _settle_tombstones(self) -> list[Emit]:
        """Drop the tombstones after which a state came before this process started.

        The scores of that start may be of the viewer who was erased: they are taken back.
        """
        ended = [key for key in self._tombstones if key in self._states]
        records = [self._tombstones.pop(key) for key in ended]
        return [Emit(START_SCORES, each.key or b"", None, each.partition) for each in records]

    def _take(self, record: Record, *, learn: bool) -> list[Emit]:
        """Take in one state; return the scores of a first start, or a tombstone for an erased one.

        Scores go to the partition of the state: both are keyed by viewer first.
        """
        key = record.key or b""
        user_id, _, content_id = key.decode().partition(KEY_SEPARATOR)
        self._next_offsets[record.partition] = record.offset + 1
        self._scored.pop(key, None)
        if record.value is None:
            self._learner.forget(user_id, content_id)
            return [Emit(START_SCORES, key, None, record.partition)]
        state = decode(WatchState, record.value)
        touch = self._learner.observe(user_id, content_id, seen_of(state), learn=learn)
        if touch is None or state.started_at_ms is None:
            return []
        value = encode(scores_record(state, touch.scores))
        return [Emit(START_SCORES, key, value, record.partition)]

    def _row_emits(self) -> list[Emit]:
        learner = self._learner
        changed = learner.sequences.changed | learner.changed_rows
        self._rows.update(dict.fromkeys(sorted(changed)))
        version = sum(self._next_offsets.values())
        ids = self._content.ids
        emits = []
        titles = list(self._rows)[:ROWS_PER_EMIT]
        learner.sync_rows(np.array(titles, dtype=np.int64))  # in one call: for each it costs more
        for title in titles:
            del self._rows[title]
            row = learner.sync_row(title)
            names = [ids[each] for each in row.titles.tolist()]
            pairs = sorted(zip((-row.weights).tolist(), names, strict=True))  # ties by content id
            found = row_of(ids[title], [name for _, name in pairs], [-least for least, _ in pairs])
            value = encode_row(found, version) if names else None
            emits += self._changed(NEXT_TITLES, ids[title], found.digest, value)
        learner.changed_rows.clear()
        return emits

    def _statistics_emits(self) -> list[Emit]:
        self._statistics.update(dict.fromkeys(sorted(self._learner.changed_titles)))
        self._learner.changed_titles.clear()
        emits = []
        for title in list(self._statistics)[:STATISTICS_PER_EMIT]:
            del self._statistics[title]
            content_id = self._content.ids[title]
            found = self._content.statistics.get(title)
            value = encode(TitleStatistics(content_id=content_id, **found._asdict()))
            kept = value if found.viewers else None  # who was the only one may be erased
            emits += self._changed(TITLE_STATISTICS, content_id, digest_of(value), kept)
        return emits

    def _changed(
        self, topic: TopicSpec, key: str, digest: bytes, value: bytes | None
    ) -> list[Emit]:
        """Return the record if it differs from the one that is in the topic."""
        published = self._digests[topic.name]
        if value is None:
            if published.pop(key, None) is None:
                return []
        elif published.get(key) == digest:
            return []
        else:
            published[key] = digest
        return [Emit(topic, key.encode(), value, None)]

    def _orphans(self) -> list[Emit]:
        """Take back rows and statistics of titles that no viewer is left of, and erased scores."""
        content = self._content
        known = {content.ids[title] for title in self._learner.sequences.titles()}
        counted = {content.ids[title] for title in self._learner.changed_titles}
        emits = []
        for topic, kept in ((NEXT_TITLES, known), (TITLE_STATISTICS, counted)):
            for key in sorted(self._digests[topic.name].keys() - kept):
                emits += self._changed(topic, key, b"", None)
        for start, partition in sorted(self._scored.items()):
            emits.append(Emit(START_SCORES, start, None, partition))
        self._scored.clear()
        return emits

    def _read_back_scores(self, key: bytes, record: Record) -> None:
        """Remember what an earlier process scored until its watch state is counted."""
        if record.value is None:
            self._scored.pop(key, None)
        elif self._old is None:
            self._scored[key] = record.partition

    def _read_back(self, record: Record) -> None:
        """Take in what an earlier process published; our own comes back and is known already."""
        if self._old is not None:
            return
        key, published = key_of(record), self._digests[record.topic]
        if record.value is None:
            published.pop(key, None)
        elif record.topic == TITLE_STATISTICS.name:
            published[key] = digest_of(record.value)
        else:
            published[key] = digest_of(orjson.dumps(orjson.loads(record.value)["neighbours"]))

    def _model_emits(self, now_ms: int) -> list[Emit]:
        model = self._learner.model
        learned, at_ms = self._published
        if model.learned == learned or now_ms - at_ms < MODEL_INTERVAL_MS:
            return []
        self._published = (model.learned, now_ms)
        VALUE_MODEL_LEARNED.set(model.learned)
        return [Emit(VALUE_MODELS, MODEL_NAME.encode(), encode(record_of(model)), None)]

    def _restore(self, record: Record) -> None:
        """Go on with the weights that were published; our own come back and change nothing."""
        if record.value is not None and self._old is None:
            take_weights(self._learner.model, decode(ValueModelRecord, record.value))
            self._published = (self._learner.model.learned, 0)


SPEC = FollowAgent(
    name="value-model",
    sources=(
        WATCH_STATES,
        CONTENTS,
        catalog.NEIGHBOURS,
        catalog.TOGETHER,
        catalog.EMBEDDING_NEIGHBOURS,
        VALUE_MODELS,
        NEXT_TITLES,
        TITLE_STATISTICS,
        START_SCORES,
    ),
    emits=(NEXT_TITLES, TITLE_STATISTICS, VALUE_MODELS, START_SCORES),
    tick_s=TICK_S,
    create_follower=ValueModelFollower,
)
