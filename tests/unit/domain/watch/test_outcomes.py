import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.watch import outcomes
from domain.watch.ledger import UserLedger
from domain.watch.reports import RuleError
from schemas.codec import decode, encode
from schemas.interaction import Interaction
from tests.unit.domain.watch.builders import (
    BASE,
    DAY_MS,
    an_event,
    histories,
    kinds,
    ledger_of,
    model,
)

DECISIONS = ("dismissed", "restored", "hidden", "unhidden", "rated")
ORDER_FREE = ("started", "progressed", "completed")


def ids_of(events, days=180):
    _, changes = ledger_of(*events, days=days)
    return {
        outcomes.interaction_id("u1", change)
        for change in changes
        if change.kind in DECISIONS or (change.kind in ORDER_FREE and change.epoch == 0)
    }


@given(histories(30), st.randoms(use_true_random=False))
def test_the_set_of_interactions_does_not_depend_on_order(events, random):
    shuffled = [*events, *events[::2]]
    random.shuffle(shuffled)
    assert ids_of(events) == ids_of(shuffled)


@given(histories(30))
def test_each_interaction_of_the_first_watching_is_said_once(events):
    _, changes = ledger_of(*events)
    said = [
        outcomes.interaction_id("u1", change)
        for change in changes
        if change.kind in ORDER_FREE and change.epoch == 0
    ]
    assert len(said) == len(set(said))


@given(histories(30))
def test_bytes_are_those_of_the_model(events):
    ledger = UserLedger(None)
    for offset, event in enumerate(events):
        source = model(event | {"region": "DE"} if offset % 2 else event)
        for ordinal, change in enumerate(outcomes.apply(ledger, source, 180) or []):
            value = outcomes.interaction_bytes(source, change, offset, ordinal)
            interaction = decode(Interaction, value)
            assert encode(interaction) == value
            assert (interaction.source_offset, interaction.ordinal) == (offset, ordinal)
            assert interaction.event_id == source.event_id
            assert (interaction.rating is None) == (interaction.kind != "rated")


def watching(until_s, **fields):
    return [an_event(at_s=n, position_s=n, **fields) for n in range(0, until_s + 1, 60)]


def test_a_watching_from_start_to_end():
    _, changes = ledger_of(*watching(3600))
    assert kinds(changes) == ["started", "completed"]
    assert [c.decile for c in changes if c.kind == "progressed"] == list(range(1, 11))
    assert changes[0].occurred_at_ms == BASE + 60_000, "30 s are passed by the second report"


def test_a_single_report_of_the_end_says_everything_at_once():
    _, changes = ledger_of(an_event(position_s=3600, state="ended"))
    assert [c.kind for c in changes] == ["started", *["progressed"] * 10, "completed"]


def test_a_look_is_not_a_start():
    _, changes = ledger_of(an_event(), an_event(at_s=20, position_s=20))
    assert changes == []


def test_rewatching():
    again = [an_event(session_id="b", at_s=10_000 + n, position_s=n) for n in range(0, 3601, 600)]
    _, changes = ledger_of(an_event(position_s=3600, state="ended"), *again)
    rewatch = [c for c in changes if c.epoch == 1]
    assert kinds(rewatch) == ["rewatched", "completed"]
    assert sorted(c.decile for c in rewatch if c.kind == "progressed") == list(range(1, 11))
    assert kinds(changes).count("completed") == 2


def test_decisions_are_said_once_each():
    events = [
        an_event(at_s=3, state="dismissed"), an_event(at_s=4, state="restored"),
        an_event(at_s=5, state="hidden"), an_event(at_s=6, state="unhidden"),
        an_event(at_s=7, state="rated", rating=4.0),
    ]  # fmt: skip
    _, changes = ledger_of(*events, *events)
    assert kinds(changes) == ["dismissed", "restored", "hidden", "unhidden", "rated"]


def test_a_repeated_event_has_no_effect_and_says_so():
    ledger, event = UserLedger(None), model(an_event(position_s=60))
    assert kinds(outcomes.apply(ledger, event, 180)) == ["started"]
    assert outcomes.apply(ledger, event, 180) is None
    seek = model(an_event(state="seeking", position_s=9))
    assert outcomes.apply(ledger, seek, 180) == []
    assert outcomes.apply(ledger, seek, 180) is None


def test_same_id_with_other_content_still_counts():
    ledger = UserLedger(None)
    outcomes.apply(ledger, model(an_event(event_id="x", position_s=60)), 180)
    assert kinds(outcomes.apply(ledger, model(an_event(event_id="x", position_s=3600)), 180)) == [
        "completed"
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"preset": "nobody"}, "preset: 'nobody'"), ({"state": "rated"}, "rating: missing")],
)
def test_what_no_rule_can_interpret_changes_nothing(fields, reason):
    ledger, _ = ledger_of(an_event(position_s=60))
    before = ledger.seal()
    with pytest.raises(RuleError, match=reason):
        outcomes.apply(ledger, model(an_event(at_s=9, **fields)), 180)
    assert ledger.seal() == before


def on_day(day, **fields):
    return an_event(at_s=day * 86400, position_s=600, session_id=f"d{day}", **fields)


def abandoned(*events, days=10):
    _, changes = ledger_of(*events, days=days)
    return [(c.content_id, c.occurred_at_ms) for c in changes if c.kind == "abandoned"]


def test_abandoned_when_the_user_has_moved_on():
    start = on_day(0)
    assert abandoned(start, on_day(9, content_id="m2")) == []
    assert abandoned(start, on_day(9, content_id="m2"), on_day(10, content_id="m2")) == [
        ("m1", BASE + 10 * DAY_MS)
    ]


def test_abandoned_is_said_once_and_again_after_a_return():
    others = [on_day(day, content_id="m2") for day in (10, 11, 25)]
    assert [name for name, _ in abandoned(on_day(0), *others)] == ["m1"]
    returned = [on_day(0), on_day(10, content_id="m2"), on_day(11), on_day(22, content_id="m3")]
    assert [name for name, _ in abandoned(*returned)] == ["m1", "m1", "m2"]


def test_completed_and_unstarted_titles_are_not_abandoned():
    done = an_event(position_s=3600, state="ended")
    look = an_event(content_id="m3", position_s=5)
    assert abandoned(done, look, on_day(40, content_id="m2")) == []


def test_a_late_event_may_reveal_an_abandoned_title():
    assert abandoned(on_day(40, content_id="m2"), on_day(0)) == [("m1", BASE + 10 * DAY_MS)]


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["m1", "m2", "m3"])), max_size=15))
def test_in_order_the_scan_misses_nothing(plays):
    plays = sorted(plays)
    found = sorted(abandoned(*[on_day(day, content_id=name) for day, name in plays]))
    expected = set()
    for index, (day, _) in enumerate(plays):
        for title in {name for _, name in plays[:index]}:
            last = max(other for other, name in plays[:index] if name == title)
            if day >= last + 10:
                expected.add((title, BASE + (last + 10) * DAY_MS))
    # A title that returns on the very day it is left counts as played, not as left.
    returned = {(n, BASE + (d + 10) * DAY_MS) for d, n in plays}
    assert set(found) <= expected & returned
    assert len(found) == len(set(found))
    certain = {
        (name, at) for name, at in expected
        if not any(n == name and BASE + d * DAY_MS >= at for d, n in plays)
    }  # fmt: skip
    assert certain <= set(found)
