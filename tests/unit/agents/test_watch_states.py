import itertools

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.watch_states import SPEC, create_step
from domain.watch.ledger import UserLedger
from infra.settings import Settings
from schemas.codec import decode
from schemas.interaction import Interaction
from schemas.progress import PROGRESS_BYTES_MAX
from schemas.watch_state import WatchState
from tests.support.naive_ledger import fold
from tests.unit.domain.watch.builders import BASE, an_event, histories, record
from topics.catalog import INTERACTIONS, WATCH_STATES


class MemoryTable(dict):
    """A table partition that counts writes."""

    def __init__(self, *args):
        super().__init__(*args)
        self.puts = 0

    def put(self, key, value):
        self.puts += 1
        self[key] = value

    def delete(self, key):
        self.pop(key, None)


def run(records, table=None, size=1000):
    table = MemoryTable() if table is None else table
    step, outcomes = create_step(Settings()), []
    for start in range(0, len(records), size):
        outcomes.append(step.on_batch(0, records[start : start + size], table, BASE))
    return table, outcomes


def emitted(outcomes, topic):
    return [emit for outcome in outcomes for emit in outcome.emits if emit.topic is topic]


def states_of(outcomes):
    return {e.key.decode(): decode(WatchState, e.value) for e in emitted(outcomes, WATCH_STATES)}


def as_records(events):
    return [record(event, offset) for offset, event in enumerate(events)]


def test_declaration():
    assert (SPEC.name, SPEC.table) == ("watch-states", "watch-ledger")
    assert SPEC.emits == (WATCH_STATES, INTERACTIONS)


def test_one_state_per_touched_title_and_one_write_per_user():
    events = [an_event(at_s=n, position_s=n) for n in range(0, 600, 60)]
    events += [an_event(user_id="u2", position_s=40), an_event(user_id="u2", content_id="m2")]
    table, outcomes = run(as_records(events))
    assert sorted(states_of(outcomes)) == ["u1|m1", "u2|m1", "u2|m2"]
    assert len(emitted(outcomes, WATCH_STATES)) == 3
    assert table.puts == 2
    state = states_of(outcomes)["u1|m1"]
    assert (state.watched_s, state.position_s, state.source_offset) == (540, 540, 9)
    assert state.interaction_offset == 6, "the tenth part of the film"
    assert len(state.recent_events) == 8


def test_records_applied_before_are_recognised_by_offset():
    records = as_records([an_event(at_s=n, position_s=n) for n in range(0, 600, 60)])
    table, _ = run(records)
    before = dict(table)
    table, (outcome,) = run(records, table)
    assert (outcome.applied, outcome.deduplicated, outcome.emits) == (0, 10, [])
    assert table == before


def test_a_repeated_event_counts_as_deduplicated():
    event = an_event(position_s=60)
    _, (outcome,) = run(as_records([event, event]))
    assert (outcome.applied, outcome.deduplicated) == (1, 1)


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (b"not json", "decode", "Invalid JSON"),
        (None, "decode", "tombstone"),
        (b'{"event_id":"e"}', "decode", "user_id"),
        (b" " * (PROGRESS_BYTES_MAX + 1), "decode", "16385 bytes"),
        (orjson.dumps(an_event(preset="nobody")), "rule", "preset"),
        (orjson.dumps(an_event(state="rated")), "rule", "rating"),
        (orjson.dumps(an_event(user_id="u2", position_s=60)), "rule", "key"),
    ],
)
def test_a_bad_record_is_rejected_and_its_neighbours_are_not(value, reason, detail):
    good = [an_event(at_s=n, position_s=n) for n in (0, 60)]
    bad = record(good[0], 1)._replace(value=value)
    table, (outcome,) = run([record(good[0], 0), bad, record(good[1], 2)])
    ((rejected, why, text),) = outcome.rejects
    assert rejected is bad
    assert (why, detail in text) == (reason, True)
    expected, _ = run([record(good[0], 0), record(good[1], 2)])
    assert table == expected
    assert outcome.applied == 2


def test_a_user_of_rejected_records_only_is_not_written():
    table, (outcome,) = run([record(an_event(preset="nobody"), 0)])
    assert (table.puts, len(outcome.rejects), table) == (0, 1, {})


def test_interactions_are_ordered_by_offset_and_ordinal():
    events = [
        an_event(user_id=f"u{n % 3}", at_s=n, position_s=3600 * n / 30) for n in range(31)
    ]  # fmt: skip
    _, outcomes = run(as_records(events))
    order = [
        (i.source_offset, i.ordinal)
        for i in (decode(Interaction, e.value) for e in emitted(outcomes, INTERACTIONS))
    ]
    assert order == sorted(set(order))
    assert {e.partition for e in outcomes[0].emits} == {0}


@given(histories(30), st.integers(1, 6))
@settings(max_examples=50)
def test_splitting_into_batches_changes_nothing(events, size):
    records = as_records(events)
    whole, whole_outcomes = run(records)
    split, split_outcomes = run(records, size=size)
    assert whole == split
    assert states_of(whole_outcomes) == states_of(split_outcomes)
    interactions = [e.value for e in emitted(whole_outcomes, INTERACTIONS)]
    assert interactions == [e.value for e in emitted(split_outcomes, INTERACTIONS)]
    totals = [o.applied + o.deduplicated + len(o.rejects) for o in split_outcomes]
    assert sum(totals) == len(records)


@given(histories(30), st.integers(0, 30), st.integers(1, 5))
@settings(max_examples=50)
def test_redelivery_after_a_crash_changes_nothing(events, again_from, size):
    records = as_records(events)
    once, _ = run(records)
    table, _ = run(records[: again_from + 5], size=size)
    run(records[again_from:], table)
    assert table == once


@given(st.lists(histories(8), min_size=2, max_size=4))
@settings(max_examples=50)
def test_users_do_not_touch_each_other(histories_by_user):
    by_user = [
        [event | {"user_id": f"u{n}"} for event in events]
        for n, events in enumerate(histories_by_user)
    ]
    mixed = [e for row in itertools.zip_longest(*by_user) for e in row if e is not None]
    _, outcomes = run(as_records(mixed), size=4)
    expected = fold(mixed)
    found = states_of(outcomes)
    assert sorted(found) == sorted(f"{user}|{content}" for user, content in expected)
    for (user, content), view in expected.items():
        state = found[f"{user}|{content}"]
        assert (state.watched_s, state.completed) == (view["watched_s"], view["completed"])
    for user in {event["user_id"] for event in mixed}:
        alone, _ = run(as_records([e for e in mixed if e["user_id"] == user]))
        together, _ = run(as_records(mixed))
        assert UserLedger(alone[user]).body() == UserLedger(together[user]).body()
