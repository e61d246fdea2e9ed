"""An erasure as the value model sees it: tombstones count before whatever came after them."""

from agents.spec import Record
from tests.unit.agents.test_value_model import (
    NOW_MS,
    drained,
    follower,
    learned,
    started_at,
    values,
)
from topics.catalog import START_SCORES, WATCH_STATES


def gone(record: Record) -> Record:
    return record._replace(value=None)


def test_who_comes_back_between_two_ticks_is_new() -> None:
    found, _ = learned([started_at("u1", "a", 10), started_at("u2", "a", 20)])
    found.on_replica(WATCH_STATES, [gone(started_at("u1", "a", 10)), started_at("u1", "a", 99)])
    emits = [emit for emit in drained(found) if emit.topic == START_SCORES]
    assert [emit.value is None for emit in emits] == [True, False]
    never, _ = learned([started_at("u2", "a", 20), started_at("u1", "a", 99)])
    assert found._learner.content.statistics.get(0) == never._learner.content.statistics.get(0)


def test_an_erasure_while_old_states_are_counted_wins_and_a_newer_state_over_it() -> None:
    found = follower()
    found.on_replica(
        WATCH_STATES,
        [started_at("u1", "a", 10), gone(started_at("u2", "b", 5)), started_at("u2", "b", 20)],
    )
    found.on_tick(NOW_MS)
    found.on_replica(WATCH_STATES, [gone(started_at("u1", "a", 10))])
    assert found.busy()
    emits = drained(found)
    assert found._learner.seen("u1") == {}
    assert set(found._learner.seen("u2")) == {"b"}
    assert values(emits, START_SCORES) == {"u1|a": None}
