"""The value-model agent: old states counted, new ones learned from, what changed emitted."""

from itertools import pairwise
from typing import Any

import orjson

from agents.spec import Emit, Record
from agents.value_model import (
    EMIT_INTERVAL_MS,
    LEARN_WAITING_MAX,
    LESSONS_PER_TICK,
    MODEL_INTERVAL_MS,
    ROWS_PER_EMIT,
    SPEC,
    STATES_PER_TICK,
    STATISTICS_PER_EMIT,
    ValueModelFollower,
)
from agents.weights import record_of as weights_of
from domain.ranking.value_model import LEARNING_RATE
from domain.sources.registry import NAMES, first_model
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.neighbours import Neighbours
from schemas.start_scores import StartScores
from schemas.title_statistics import TitleStatistics
from schemas.value_model import ValueModel
from schemas.watch_state import WatchState
from tests.support.driving import record_of
from tests.support.ranking import title
from topics.catalog import (
    CONTENTS,
    NEXT_TITLES,
    START_SCORES,
    TITLE_STATISTICS,
    VALUE_MODELS,
    WATCH_STATES,
)
from topics.spec import TopicSpec

NOW_MS = 1_000_000


def state(
    user: str, content_id: str, at_ms: int, *, rating: float | None = 5.0, **fields: Any
) -> Record:
    found = WatchState.model_validate(
        {
            "user_id": user, "content_id": content_id, "epoch": 0, "completions": 0,
            "completed": False, "watched_s": 0, "position_s": 0, "duration_s": 0, "progress": 0,
            "resumable": False, "rating": rating, "updated_at_ms": at_ms, "source_offset": at_ms,
        }
        | fields
    )  # fmt: skip
    return record_of(WATCH_STATES, found, offset=at_ms)


def started_at(user: str, content_id: str, at_ms: int, **fields: Any) -> Record:
    return state(user, content_id, at_ms, rating=None, started_at_ms=at_ms, **fields)


def follower(titles: str = "abcdef", *published: Record) -> ValueModelFollower:
    """One that has read everything there was before it started."""
    found = ValueModelFollower(Settings(neighbours_max=3))
    found.on_replica(CONTENTS, [record_of(CONTENTS, title(each)) for each in titles])
    found.on_replica(VALUE_MODELS, published)
    return found


def started(titles: str = "abcdef", *published: Record) -> ValueModelFollower:
    """One that is past its first tick."""
    found = follower(titles, *published)
    first = found.on_tick(NOW_MS)
    assert [emit.topic for emit in first] == ([] if published else [VALUE_MODELS])
    return found


def drained(of: ValueModelFollower, now_ms: int = 2 * NOW_MS) -> list[Emit]:
    """Everything that is emitted until nothing is left to do."""
    found: list[Emit] = []
    while (emits := of.on_tick(now_ms)) or of.busy():
        found += emits
        now_ms += EMIT_INTERVAL_MS
    return found


def values(emits: list[Emit], topic: TopicSpec) -> dict[str, bytes | None]:
    """What a reader of the compacted topic holds."""
    return {emit.key.decode(): emit.value for emit in emits if emit.topic == topic}


# Four viewers; each likes a, then b; the last two go on to c, which they do not like. They like six
# times what somebody knew before: so many lessons.
STATES = [
    state("u1", "a", 10), state("u2", "a", 11), state("u1", "b", 20), state("u2", "b", 21),
    state("u3", "a", 30), state("u3", "b", 40), state("u3", "c", 50, rating=1.0),
    state("u4", "a", 60), state("u4", "b", 70), state("u4", "c", 80, rating=1.0),
]  # fmt: skip


def learned(records: list[Record], *published: Record) -> tuple[ValueModelFollower, list[Emit]]:
    """One that took states in as they came, and all it emitted."""
    found = started("abcdef", *published)
    emits: list[Emit] = []
    for number, record in enumerate(records):
        found.on_replica(WATCH_STATES, [record])
        emits += found.on_tick(NOW_MS + MODEL_INTERVAL_MS * (number + 1))
    return found, emits


def test_statistics_and_next_titles_by_hand() -> None:
    _, emits = learned(STATES)
    found = {
        key: decode(TitleStatistics, value)
        for key, value in values(emits, TITLE_STATISTICS).items()
    }
    assert {key: (each.viewers, each.likes) for key, each in found.items()} == {
        "a": (4, 4), "b": (4, 4), "c": (2, 0),
    }  # fmt: skip
    assert (found["a"].first_at_ms, found["a"].as_of_ms) == (10, 60)
    rows = {
        key: [(each.content_id, each.weight) for each in decode(Neighbours, value).neighbours]
        for key, value in values(emits, NEXT_TITLES).items()
    }
    # after a: b 4 * 1000 and c, with one title between, 2 * 900; 5000 units of doubt
    assert rows["a"] == [("b", round(4000 / 10_800, 6)), ("c", round(1800 / 10_800, 6))]
    assert rows["b"] == [("c", round(2000 / 7000, 6))]
    assert set(rows) == {"a", "b"}


def test_emitted_records_are_those_of_the_codec() -> None:
    _, emits = learned(STATES)
    schemas = {
        NEXT_TITLES.name: Neighbours, TITLE_STATISTICS.name: TitleStatistics,
        VALUE_MODELS.name: ValueModel,
    }  # fmt: skip
    assert {emit.topic.name for emit in emits} == set(schemas)
    for emit in emits:
        assert encode(decode(schemas[emit.topic.name], emit.value)) == emit.value


def test_what_was_there_before_is_counted_and_not_learned_from() -> None:
    before = follower()
    before.on_replica(WATCH_STATES, STATES)
    emits = drained(before)
    _, live = learned(STATES)
    for topic in (TITLE_STATISTICS, NEXT_TITLES):
        ours, theirs = values(emits, topic), values(live, topic)
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            row, wanted = orjson.loads(value), orjson.loads(theirs[key])
            row.pop("model_version", None), wanted.pop("model_version", None)
            assert row == wanted
    assert decode(ValueModel, values(emits, VALUE_MODELS)["default"]) == weights_of(first_model())
    assert decode(ValueModel, values(live, VALUE_MODELS)["default"]).learned == 6


def test_a_restart_goes_on_with_the_weights_that_were_published() -> None:
    _, emits = learned(STATES)
    value = values(emits, VALUE_MODELS)["default"]
    before = decode(ValueModel, value)
    restarted = follower("abcdef", Record(VALUE_MODELS.name, 0, 0, 0, b"default", value))
    restarted.on_replica(WATCH_STATES, STATES)
    assert values(drained(restarted), VALUE_MODELS) == {}
    restarted.on_replica(WATCH_STATES, [state("u5", "b", 90)])
    after = decode(ValueModel, values(drained(restarted, 9 * NOW_MS), VALUE_MODELS)["default"])
    assert after.learned == before.learned + 1
    for new, old in zip(after.sources, before.sources, strict=True):
        assert new.cold_squares >= old.cold_squares  # AdaGrad goes on where it was
        assert abs(new.cold - old.cold) <= LEARNING_RATE
    assert after.sources != before.sources != weights_of(first_model()).sources


def test_a_restart_publishes_nothing_twice_and_takes_back_what_lost_its_viewers() -> None:
    _, emits = learned(STATES)
    restarted = follower()
    for topic in (NEXT_TITLES, TITLE_STATISTICS):
        restarted.on_replica(
            topic,
            [
                Record(topic.name, 0, offset, 0, key.encode(), value)
                for offset, (key, value) in enumerate(values(emits, topic).items())
            ],
        )
    restarted.on_replica(WATCH_STATES, [each for each in STATES if not each.key.endswith(b"|c")])
    again = drained(restarted)
    assert values(again, TITLE_STATISTICS) == {"c": None}  # erased while nobody was there to see
    rows = values(again, NEXT_TITLES)
    assert rows["b"] is None
    assert [each["content_id"] for each in orjson.loads(rows["a"])["neighbours"]] == ["b"]
    assert set(rows) == {"a", "b"}


def test_rows_that_a_prediction_brought_up_to_date_are_published_too() -> None:
    found = started()
    found.on_replica(WATCH_STATES, STATES[:3])
    found.on_tick(NOW_MS)  # counted, nothing emitted so soon
    found.on_replica(WATCH_STATES, [state("u2", "b", 21)])
    found.on_tick(NOW_MS)  # predicted from the row of a
    assert set(values(drained(found), NEXT_TITLES)) == {"a"}


def test_its_own_weights_coming_back_change_nothing() -> None:
    running, emits = learned(STATES)
    old = next(emit for emit in emits if emit.topic == VALUE_MODELS)
    assert decode(ValueModel, old.value).learned < 6
    running.on_replica(VALUE_MODELS, [Record(VALUE_MODELS.name, 0, 0, 0, old.key, old.value)])
    running.on_replica(WATCH_STATES, [state("u5", "b", 90)])
    other, _ = learned(STATES)
    other.on_replica(WATCH_STATES, [state("u5", "b", 90)])
    assert drained(running, 9 * NOW_MS) == drained(other, 9 * NOW_MS)


def test_an_erased_title_is_taken_out_of_counts_and_rows() -> None:
    found, _ = learned(STATES)
    tombstones = [
        record._replace(value=None) for record in STATES if record.key.startswith((b"u3|", b"u4|"))
    ]
    found.on_replica(WATCH_STATES, tombstones)
    emits = drained(found)
    found_values = values(emits, TITLE_STATISTICS)
    assert found_values.pop("c") is None  # nobody else watched it
    statistics = {key: orjson.loads(value) for key, value in found_values.items()}
    assert {key: (each["viewers"], each["likes"]) for key, each in statistics.items()} == {
        "a": (2, 2), "b": (2, 2),
    }  # fmt: skip
    rows = values(emits, NEXT_TITLES)
    assert rows["b"] is None
    assert [each["content_id"] for each in orjson.loads(rows["a"])["neighbours"]] == ["b"]


def test_states_of_one_title_between_two_ticks_count_once_with_the_latest() -> None:
    found = started()
    found.on_replica(
        WATCH_STATES, [state("u1", "a", 10), state("u1", "b", 20), state("u1", "a", 30, rating=1.0)]
    )
    emits = found.on_tick(NOW_MS + EMIT_INTERVAL_MS)
    assert [emit.key for emit in emits if emit.topic == TITLE_STATISTICS] == [b"a", b"b"]
    row = orjson.loads(values(emits, TITLE_STATISTICS)["a"])
    assert (row["viewers"], row["likes"], row["first_at_ms"]) == (1, 0, 30)
    assert list(values(emits, NEXT_TITLES)) == ["b"]  # a came after b


def test_work_and_emits_of_one_tick_are_bounded_and_nothing_is_forgotten() -> None:
    names = [f"t{number:04d}" for number in range(STATISTICS_PER_EMIT + 200)]
    found = ValueModelFollower(Settings(neighbours_max=3))
    found.on_replica(CONTENTS, [record_of(CONTENTS, title(each)) for each in names])
    found.on_tick(NOW_MS)
    states = [state("u", name, 10 * number) for number, name in enumerate(names)]
    found.on_replica(WATCH_STATES, states)
    emits: list[Emit] = []
    ticks = 0
    while found.busy() or ticks == 0:
        ticks += 1
        emits += (latest := found.on_tick(NOW_MS + ticks * EMIT_INTERVAL_MS))
        assert len(values(latest, NEXT_TITLES)) <= ROWS_PER_EMIT
        assert len(values(latest, TITLE_STATISTICS)) <= STATISTICS_PER_EMIT
    assert ticks == -(-len(names) // LESSONS_PER_TICK)
    emits += drained(found)
    assert set(values(emits, TITLE_STATISTICS)) == set(names)
    assert set(values(emits, NEXT_TITLES)) == set(names[:-1])


def test_a_backlog_is_counted_and_not_learned_from_until_it_is_short() -> None:
    found = started()
    found.on_replica(
        WATCH_STATES, [state(f"u{n}", "ab"[n % 2], n) for n in range(LEARN_WAITING_MAX + 1)]
    )
    first = found.on_tick(2 * NOW_MS)
    viewers = [orjson.loads(value)["viewers"] for value in values(first, TITLE_STATISTICS).values()]
    assert sum(viewers) == STATES_PER_TICK
    assert values(first, VALUE_MODELS) == {}
    second = found.on_tick(3 * NOW_MS)
    model = decode(ValueModel, values(second, VALUE_MODELS)["default"])
    assert model.learned == LESSONS_PER_TICK


def test_weights_are_published_at_most_once_in_an_interval() -> None:
    found = started()
    published = []
    for number, record in enumerate(STATES):
        found.on_replica(WATCH_STATES, [record])
        now_ms = NOW_MS + number * MODEL_INTERVAL_MS // 4
        if VALUE_MODELS in [emit.topic for emit in found.on_tick(now_ms)]:
            published.append(now_ms)
    assert len(published) > 1
    assert all(later - earlier >= MODEL_INTERVAL_MS for earlier, later in pairwise(published))


def test_the_agent_is_declared() -> None:
    assert SPEC.emits == (NEXT_TITLES, TITLE_STATISTICS, VALUE_MODELS, START_SCORES)
    assert WATCH_STATES in SPEC.sources
    assert VALUE_MODELS in SPEC.sources


def test_rows_are_the_same_whatever_the_order_in_which_titles_came() -> None:
    def rows(titles: str) -> dict[str, bytes | None]:
        found = started(titles)
        at_once = [state(f"u{number}", name, 10) for number in range(2) for name in "abcd"]
        found.on_replica(WATCH_STATES, at_once)
        return values(drained(found), NEXT_TITLES)

    found = rows("abcdef")
    names = [each["content_id"] for each in orjson.loads(found["a"])["neighbours"]]
    assert names == ["b", "c", "d"]  # tied: by content id
    assert rows("fedcba") == found


def scores_of(emits: list[Emit]) -> dict[str, dict[str, float]]:
    """The scores of starts by key."""
    return {
        key: decode(StartScores, value).scores for key, value in values(emits, START_SCORES).items()
    }


def as_records(emits: list[Emit], topic: TopicSpec) -> list[Record]:
    """What a reader of a topic gets."""
    return [
        Record(topic.name, emit.partition or 0, offset, 0, emit.key, emit.value)
        for offset, emit in enumerate(emits)
        if emit.topic == topic
    ]


def test_a_start_is_scored_once_before_it_counts_by_hand() -> None:
    starts = [
        started_at("u1", "a", 10), started_at("u1", "a", 10, progress=0.5),
        started_at("u2", "a", 20), started_at("u2", "b", 30),
    ]  # fmt: skip
    _, emits = learned(starts)
    told = [emit for emit in emits if emit.topic == START_SCORES]
    assert [emit.key for emit in told] == [b"u1|a", b"u2|a", b"u2|b"]
    found = scores_of(emits)
    assert all(tuple(scores) == NAMES for scores in found.values())
    like_rates = {key: scores["like_rate"] for key, scores in found.items()}
    assert like_rates == {"u1|a": 2 / 4, "u2|a": 2 / 5, "u2|b": 2 / 4}  # u1 alone, not u2
    assert [found[key]["popular"] for key in found] == [0.0, 1.0, 0.0]


def test_scores_are_in_the_partition_of_the_state() -> None:
    found = started()
    found.on_replica(WATCH_STATES, [started_at("u1", "a", 10)._replace(partition=5)])
    (emit,) = [each for each in found.on_tick(NOW_MS) if each.topic == START_SCORES]
    assert emit.partition == 5


def test_ratings_decisions_unknown_titles_and_a_backlog_are_not_scored() -> None:
    unscored = [
        state("u1", "a", 10), state("u2", "b", 20, rating=None, hidden=True),
        started_at("u3", "unknown", 30),
    ]  # fmt: skip
    assert values(learned(unscored)[1], START_SCORES) == {}
    behind = started()
    behind.on_replica(
        WATCH_STATES, [started_at(f"u{n}", "a", n) for n in range(LEARN_WAITING_MAX + 1)]
    )
    assert values(behind.on_tick(NOW_MS), START_SCORES) == {}


def test_the_same_records_give_the_same_scores_byte_for_byte() -> None:
    starts = [started_at(f"u{n % 3}", "abcd"[n // 3], 10 * n) for n in range(12)]
    one, other = (values(learned(starts)[1], START_SCORES) for _ in range(2))
    assert len(one) == 12
    assert one == other


def test_an_erased_start_takes_its_scores_along() -> None:
    found, emits = learned([started_at("u1", "a", 10), started_at("u2", "a", 20)])
    found.on_replica(WATCH_STATES, [started_at("u1", "a", 10)._replace(value=None, partition=3)])
    (gone,) = [emit for emit in drained(found) if emit.topic == START_SCORES]
    assert (gone.key, gone.value, gone.partition) == (b"u1|a", None, 3)
    assert set(scores_of(emits)) == {"u1|a", "u2|a"}


def test_a_restart_scores_nothing_again_and_takes_back_what_was_erased_meanwhile() -> None:
    starts = [started_at("u1", "a", 10), started_at("u2", "a", 20)]
    _, emits = learned(starts)
    restarted = follower()
    restarted.on_replica(START_SCORES, as_records(emits, START_SCORES))
    restarted.on_replica(WATCH_STATES, starts[1:])
    assert values(drained(restarted), START_SCORES) == {"u1|a": None}
    everybody_left = follower()
    everybody_left.on_replica(START_SCORES, as_records(emits, START_SCORES))
    assert values(drained(everybody_left), START_SCORES) == {"u1|a": None, "u2|a": None}
