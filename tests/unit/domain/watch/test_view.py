import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.watch import view
from domain.watch.reports import fingerprint
from domain.watch.title import Title
from schemas.codec import decode, encode
from schemas.watch_state import WatchState
from tests.support.naive_ledger import fold
from tests.unit.domain.watch.builders import BASE, an_event, histories, ledger_of
from tests.unit.domain.watch.test_title import state_of

STAMP = view.Stamp(41, 7, fingerprint("e1") + fingerprint("e2"))
ARRIVAL = ("source_offset", "interaction_offset", "recent_events")


def seen(*events) -> WatchState:
    value = view.watch_state_bytes("u1", "m1", state_of(events), STAMP)
    return decode(WatchState, value)


@given(histories())
@settings(max_examples=100)
def test_bytes_are_those_of_the_model(events):
    value = view.watch_state_bytes("u1", "m1", state_of(events), STAMP)
    assert encode(decode(WatchState, value)) == value


@given(histories(40), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_same_views_as_the_naive_fold_in_any_order(events, random):
    expected = fold(events)
    shuffled = [*events, *events[::3]]
    random.shuffle(shuffled)
    ledger, _ = ledger_of(*shuffled)
    for (user_id, content_id), wanted in expected.items():
        value = view.watch_state_bytes(user_id, content_id, ledger.peek(content_id), STAMP)
        found = {k: v for k, v in orjson.loads(value).items() if k not in ARRIVAL}
        assert found == {k: v for k, v in wanted.items() if v is not None}


@given(histories())
def test_watched_never_exceeds_the_duration(events):
    state = seen(*events)
    if state.duration_s:
        assert state.watched_s <= state.duration_s
        assert state.position_s <= state.duration_s
    assert abs(sum(b - a for a, b in state.intervals_s) - state.watched_s) < 0.002


def test_title_without_anything():
    state = decode(WatchState, view.watch_state_bytes("u1", "m1", Title(), STAMP))
    assert (state.updated_at_ms, state.watched_s, state.resumable) == (0, 0, False)
    assert state.recent_events == (fingerprint("e1").hex(), fingerprint("e2").hex())


def test_resume_point_is_the_newest_report_not_the_furthest():
    state = seen(an_event(at_s=60, position_s=2000), an_event(at_s=90, position_s=500))
    assert (state.position_s, state.resumable, state.progress) == (500, True, 0.555)


def test_completed_title_has_nothing_to_resume():
    state = seen(an_event(position_s=3500), an_event(at_s=60, position_s=500))
    assert (state.completed, state.position_s, state.progress) == (True, 0, 1)
    assert state.completed_at_ms == BASE


def test_rewatch_keeps_the_old_completion():
    again = [an_event(session_id="b", at_s=9000 + n, position_s=n) for n in (0, 60)]
    state = seen(an_event(position_s=3600, state="ended"), *again)
    assert (state.epoch, state.completions, state.completed) == (1, 1, False)
    assert (state.completed_at_ms, state.watched_s, state.position_s) == (BASE, 60, 60)


def test_dismissal_holds_until_something_newer_is_played():
    played, dismissed = an_event(at_s=100, position_s=100), an_event(at_s=200, state="dismissed")
    assert seen(played, dismissed).dismissed
    assert seen(dismissed, an_event(at_s=200, position_s=100)).dismissed, "the same millisecond"
    assert not seen(played, dismissed, an_event(at_s=201, position_s=101)).dismissed
    assert not seen(played, dismissed, an_event(at_s=300, state="restored")).dismissed
    assert seen(played, dismissed).watched_s == seen(played).watched_s


def test_hidden_stays_until_unhidden():
    hidden, played = an_event(at_s=1, state="hidden"), an_event(at_s=99, position_s=100)
    assert seen(hidden, played).hidden
    assert not seen(hidden, played, an_event(at_s=2, state="unhidden")).hidden


def test_newest_rating_stands():
    early = an_event(at_s=1, state="rated", rating=2.0)
    late = an_event(at_s=2, state="rated", rating=4.5)
    assert seen(late, early).rating == seen(early, late).rating == 4.5
    assert seen(early).updated_at_ms == BASE + 1000, "never played: the age of the decision"
