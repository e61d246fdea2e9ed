"""watch-states -> [every engagement predicted, learned, counted] -> weights, next titles.

The whole learner is in memory and made again at every start from the compacted watch states; only
the weights are read back from where they were published.
"""

from collections import deque
from collections.abc import Sequence

from agents.intake import put_content, put_row
from agents.rows import encode_row, row_of
from agents.spec import Emit, FollowAgent, Record
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
from topics.catalog import CONTENTS, NEXT_TITLES, TITLE_STATISTICS, VALUE_MODELS, WATCH_STATES
from topics.spec import TopicSpec

TICK_S = 0.25
STATES_PER_TICK = 200  # bounds how long a tick keeps the event loop: a prediction takes 1-3 ms
ROWS_PER_TICK = 100  # emitted: a row of 100 neighbours has 5 kB
STATISTICS_PER_TICK = 500
MODEL_INTERVAL_MS = 5000
TABLE_OF = {
    catalog.NEIGHBOURS.name: COWATCH,
    catalog.TOGETHER.name: TOGETHER,
    catalog.EMBEDDING_NEIGHBOURS.name: EMBEDDING,
}


class ValueModelFollower:
    """Feeds watch states to the learner and publishes what it knows.

    States of one viewer's title that arrive between two ticks count once, with the latest. What was
    there before this process started is counted and not learned from: its order is gone.
    """

    def __init__(self, settings: Settings) -> None:
        self._content = ContentSide()
        self._learner = Learner(self._content, first_model(), settings.neighbours_max)
        self._states: dict[bytes, Record] = {}
        self._old: deque[Record] | None = None  # None: not read whole yet
        self._rows: dict[int, None] = {}  # to be emitted, oldest change first
        self._statistics: dict[int, None] = {}
        self._next_offsets: dict[int, int] = {}
        self._published = (-1, 0)  # learned and when

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in contents and rows at once, watch states at the next ticks."""
        for record in records:
            if record.key is None:
                raise ValueError(f"{topic.name}/{record.partition}@{record.offset} has no key")
            if topic == WATCH_STATES:
                self._states.pop(record.key, None)
                self._states[record.key] = record
            elif topic == CONTENTS:
                put_content(self._content, record)
            elif topic == VALUE_MODELS:
                self._restore(record)
            else:
                put_row(self._content, TABLE_OF[topic.name], record)

    def busy(self) -> bool:
        """Whether states are waiting."""
        return bool(self._old) or bool(self._states)

    def on_tick(self, now_ms: int) -> list[Emit]:
        """Count old states first, then learn from new ones; emit a bounded part of what changed."""
        if self._old is None:
            self._old, self._states = deque(self._states.values()), {}
        learn = not self._old
        if self._old:
            batch = [self._old.popleft() for _ in range(min(STATES_PER_TICK, len(self._old)))]
        else:
            keys = list(self._states)[:STATES_PER_TICK]
            batch = [self._states.pop(key) for key in keys]
        for record in batch:
            self._take(record, learn=learn)
        return [*self._row_emits(), *self._statistics_emits(), *self._model_emits(now_ms)]

    def _take(self, record: Record, *, learn: bool) -> None:
        user_id, _, content_id = (record.key or b"").decode().partition(KEY_SEPARATOR)
        self._next_offsets[record.partition] = record.offset + 1
        if record.value is None:
            self._learner.forget(user_id, content_id)
        else:
            seen = seen_of(decode(WatchState, record.value))
            self._learner.observe(user_id, content_id, seen, learn=learn)

    def _row_emits(self) -> list[Emit]:
        self._rows.update(dict.fromkeys(sorted(self._learner.sequences.changed)))
        version = sum(self._next_offsets.values())
        ids = self._content.ids
        emits = []
        for title in list(self._rows)[:ROWS_PER_TICK]:
            del self._rows[title]
            row = self._learner.sync_row(title)
            value = None
            if len(row.titles):
                names = [ids[each] for each in row.titles.tolist()]
                value = encode_row(row_of(ids[title], names, row.weights.tolist()), version)
            emits.append(Emit(NEXT_TITLES, ids[title].encode(), value, None))
        return emits

    def _statistics_emits(self) -> list[Emit]:
        self._statistics.update(dict.fromkeys(sorted(self._learner.changed_titles)))
        self._learner.changed_titles.clear()
        emits = []
        for title in list(self._statistics)[:STATISTICS_PER_TICK]:
            del self._statistics[title]
            content_id = self._content.ids[title]
            found = self._content.statistics.get(title)
            record = TitleStatistics(content_id=content_id, **found._asdict())
            emits.append(Emit(TITLE_STATISTICS, content_id.encode(), encode(record), None))
        return emits

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
    ),
    emits=(NEXT_TITLES, TITLE_STATISTICS, VALUE_MODELS),
    tick_s=TICK_S,
    create_follower=ValueModelFollower,
)
