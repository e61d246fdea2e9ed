"""The mark of an erasure: what is forgotten, what is taken back, what can never come again."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.runtime.table import PartitionTable
from agents.watch_states import SPEC
from domain.watch.erasure import KEY_PREFIX
from infra.security.pseudonyms import Pseudonyms
from schemas.codec import decode
from schemas.interaction import Interaction
from schemas.progress import ALL_TITLES
from tests.support.driving import Driver
from tests.unit.domain.watch.builders import BASE, an_event, histories, record
from topics.catalog import INTERACTIONS, WATCH_STATES

DAY_S = 86_400
ERASED_AT_S = 400 * DAY_S  # after everything that ``histories`` makes


def mark(user_id="u1", at_s=ERASED_AT_S, content_id=ALL_TITLES, keys=""):
    return an_event(
        event_id=f"erasure-{user_id}-{at_s}-{content_id}"[:64], user_id=user_id, state="erased",
        content_id=content_id, session_id="erasure", at_s=at_s,
        device_id=Pseudonyms(keys).of(user_id),
    )  # fmt: skip


class Ledger(Driver):
    """The ledger agent, fed with records at given offsets."""

    def __init__(self):
        super().__init__(SPEC)

    def take(self, *records):
        return self.feed_records(records)

    def feed_records(self, records):
        table = self.tables.setdefault(0, PartitionTable())
        outcome = self.step.on_batch(0, records, table, BASE)
        table.keep()
        self.emits += outcome.emits
        return outcome

    def states(self):
        rows = {}
        for emit in self.emits:
            if emit.topic is WATCH_STATES:
                rows[emit.key.decode()] = emit.value
        return {key for key, value in rows.items() if value is not None}

    def users(self):
        return {key for key in self.contents() if not key.startswith(KEY_PREFIX)}


def as_records(*events, start=0):
    return [record(event, offset) for offset, event in enumerate(events, start)]


def playing(user_id="u1", content_id="m1", at_s=0.0, position_s=600.0):
    return an_event(user_id=user_id, content_id=content_id, at_s=at_s, position_s=position_s)


def test_everything_of_the_user_is_taken_back_and_nothing_of_others():
    ledger = Ledger()
    ledger.take(*as_records(playing(), playing(content_id="m2"), playing("u2")))
    assert ledger.states() == {"u1|m1", "u1|m2", "u2|m1"}
    outcome = ledger.take(record(mark(), 3))
    assert outcome.applied == 1
    assert ledger.states() == {"u2|m1"}
    assert ledger.users() == {"u2"}
    assert "u1" not in str(ledger.contents())
    told = decode(Interaction, next(e for e in outcome.emits if e.topic is INTERACTIONS).value)
    assert (told.kind, told.user_id, told.source_offset) == ("erased", "u1", 3)


def test_what_is_applied_in_the_batch_of_the_mark_goes_too():
    ledger = Ledger()
    ledger.take(*as_records(playing(), playing("u2"), mark(), playing(at_s=60)))
    assert ledger.states() == {"u2|m1"}
    assert ledger.users() == {"u2"}


@pytest.mark.parametrize("restart", [False, True])
def test_late_and_repeated_events_bring_nothing_back(restart):
    ledger = Ledger()
    old = [playing(), playing(content_id="m2", at_s=60)]
    ledger.take(*as_records(*old, mark()))
    if restart:
        ledger.restart()
    again = ledger.take(*as_records(*old, playing(content_id="never-sent", at_s=90), start=3))
    assert (again.applied, again.deduplicated, again.emits) == (0, 3, [])
    assert ledger.users() == set()


def test_a_person_who_comes_back_is_a_new_user():
    ledger = Ledger()
    ledger.take(*as_records(playing(position_s=3000), mark()))
    back = playing(at_s=ERASED_AT_S + 1, position_s=60)
    late = playing(content_id="m2", at_s=10)
    outcome = ledger.take(*as_records(back, late, start=2))
    assert (outcome.applied, outcome.deduplicated) == (1, 1)
    assert ledger.states() == {"u1|m1"}
    alone = Ledger()
    alone.take(record(back, 2))
    assert alone.contents()["u1"] == ledger.contents()["u1"]
    # The mark comes again: the producer may repeat it, a crash redeliver it.
    for offset in (4, 1):
        ledger.take(record(mark(), offset))
        assert alone.contents()["u1"] == ledger.contents()["u1"]
    assert ledger.states() == {"u1|m1"}


def test_back_in_the_batch_of_the_mark_old_states_are_taken_back_first():
    ledger = Ledger()
    ledger.take(*as_records(playing()))
    outcome = ledger.take(*as_records(mark(), playing(at_s=ERASED_AT_S + 9), start=1))
    values = [emit.value for emit in outcome.emits if emit.topic is WATCH_STATES]
    assert values[0] is None
    assert values[1] is not None


def test_a_mark_that_names_a_title_takes_back_one_that_the_ledger_forgot():
    ledger = Ledger()
    ledger.take(*as_records(playing(), mark()))
    outcome = ledger.take(record(mark(content_id="forgotten"), 2))
    assert [(e.key, e.value) for e in outcome.emits] == [(b"u1|forgotten", None)]
    ledger.take(record(playing(at_s=ERASED_AT_S + 9), 3))
    outcome = ledger.take(record(mark(content_id="m1"), 4))
    assert outcome.emits == []  # it is of the new user
    assert ledger.states() == {"u1|m1"}


def test_an_unknown_user_can_be_erased():
    ledger = Ledger()
    outcome = ledger.take(record(mark("nobody"), 0))
    assert outcome.applied == 1
    assert [emit.topic for emit in outcome.emits] == [INTERACTIONS]
    assert list(ledger.contents()) == [KEY_PREFIX + Pseudonyms("").of("nobody")]


def test_a_mark_under_a_key_that_this_worker_does_not_have_is_rejected():
    ledger = Ledger()
    ledger.take(record(playing(), 0))
    key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    (reject,) = ledger.take(record(mark(keys=key), 1)).rejects
    assert "MEDIA_GATEWAY_ERASURE_KEY" in reject.detail
    assert ledger.states() == {"u1|m1"}


@given(histories(25), histories(12), st.integers(0, 30), st.integers(1, 5))
@settings(max_examples=60)
def test_redelivery_and_batches_change_nothing(events, others, again_from, size):
    others = [each | {"user_id": "u2"} for each in others]
    back = playing(at_s=ERASED_AT_S + 60)
    stream = as_records(*events, *others, mark(), *events[:7], back)
    whole = Ledger()
    whole.take(*stream)
    split = Ledger()
    position = again_from % len(stream)
    for start in range(0, position, size):
        split.take(*stream[start : min(position, start + size)])
    split.restart()
    for start in range(position // 2, len(stream), size):
        split.take(*stream[start : start + size])
    assert split.contents() == whole.contents()
    never = Ledger()
    never.take(*[each for each in stream if orjson.loads(each.value)["user_id"] == "u2"])
    assert whole.contents().get("u2") == never.contents().get("u2")
    assert whole.users() <= {"u1", "u2"}
    alone = Ledger()
    alone.take(stream[-1])
    assert whole.contents()["u1"] == alone.contents()["u1"]
