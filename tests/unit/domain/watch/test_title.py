import copy

from hypothesis import given
from hypothesis import strategies as st

from domain.watch import record, view
from domain.watch.reports import PLAYBACK_STATES, playback, title_of
from domain.watch.title import (
    INTERVALS_MAX,
    PERMILLE,
    RUNS_MAX,
    SESSIONS_MAX,
    Title,
    join,
    join_report,
)
from tests.unit.domain.watch.builders import an_event, histories, model, one_event


def state_of(events):
    title = Title()
    for event in events:
        said = title_of(model(event))
        if said is not None:
            join(title, said)
    return title


def joined(one, two):
    title = copy.deepcopy(one)
    join(title, copy.deepcopy(two))
    return record.encode(title)


@given(histories(10), histories(10), histories(10))
def test_join_is_commutative_associative_idempotent(one, two, three):
    a, b, c = state_of(one), state_of(two), state_of(three)
    assert joined(a, b) == joined(b, a)
    assert joined(record.decode(joined(a, b)), c) == joined(a, record.decode(joined(b, c)))
    assert joined(a, a) == record.encode(a)
    assert joined(a, Title()) == record.encode(a)


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_the_same_bytes(events, random):
    shuffled = [*events, *random.sample(events, len(events) // 2)]
    random.shuffle(shuffled)
    assert record.encode(state_of(events)) == record.encode(state_of(shuffled))


@given(histories())
def test_completion_never_reverts(events):
    title, most = Title(), view.EMPTY
    for event in events:
        said = title_of(model(event))
        if said is not None:
            join(title, said)
        seen = view.of(title)
        assert seen.ever_completed >= most.ever_completed
        assert seen.ever_started >= most.ever_started
        assert seen.ever_progress >= most.ever_progress
        assert (seen.completions > 0) == seen.ever_completed
        most = seen


@given(histories(), one_event(), st.sampled_from(["seeking", "interstitial"]))
def test_a_seek_or_an_advertisement_adds_nothing(events, event, state):
    assert title_of(model(event | {"state": state})) is None
    assert record.encode(state_of([*events, event | {"state": state}])) == record.encode(
        state_of(events)
    )


def test_jumping_about_is_not_watching():
    jumps = [an_event(at_s=10 * n, position_s=(n * 617) % 3000) for n in range(1, 40)]
    for session in state_of(jumps).sessions.values():
        assert session.watched() == []


def test_range_is_clamped_to_the_duration_and_backward_ranges_add_nothing():
    past = an_event(position_s=9999, played_from_s=3590, played_to_s=4000)
    backward = an_event(position_s=10, played_from_s=20, played_to_s=10)
    (session,) = state_of([past]).sessions.values()
    assert session.intervals == [3_590_000, 3_600_000]
    assert session.newest[1] == 3_600_000
    (session,) = state_of([backward]).sessions.values()
    assert (session.intervals, session.runs) == ([], [])


def test_sessions_are_bounded_and_nothing_is_uncompleted():
    events = [
        an_event(session_id=f"s{n}", at_s=n * 10_000, position_s=3600, state="ended")
        for n in range(SESSIONS_MAX + 9)
    ]
    title = state_of(events)
    assert len(title.sessions) == SESSIONS_MAX
    assert min(s.finished_at for s in title.sessions.values()) == events[0]["occurred_at_ms"]
    assert record.encode(record.decode(record.encode(title))) == record.encode(title)


def test_stretches_of_a_session_are_bounded():
    reported = [an_event(at_s=200 * n, position_s=(n * 37) % 3600) for n in range(RUNS_MAX * 2)]
    (session,) = state_of(reported).sessions.values()
    assert len(session.runs) <= RUNS_MAX
    claimed = [
        an_event(at_s=n, position_s=3 * n, played_from_s=3 * n, played_to_s=3 * n + 1)
        for n in range(INTERVALS_MAX * 2)
    ]
    (session,) = state_of(claimed).sessions.values()
    assert len(session.intervals) <= 2 * INTERVALS_MAX


def test_furthest_is_a_share_of_its_own_duration():
    (session,) = state_of([an_event(position_s=1800)]).sessions.values()
    assert session.furthest == PERMILLE // 2


@given(histories())
def test_joining_one_report_is_joining_its_title(events):
    wrapped, direct = Title(), Title()
    for event in events:
        report = model(event)
        code = PLAYBACK_STATES.get(report.state)
        if code is not None:
            join(wrapped, title_of(report))
            join_report(direct, *playback(report, code))
            assert record.encode(direct) == record.encode(wrapped)


def test_joining_single_reports_keeps_the_bound_of_sessions():
    direct = Title()
    bound = SESSIONS_MAX + 9
    events = [an_event(session_id=f"s{n}", at_s=n * 10_000, position_s=60) for n in range(bound)]
    for event in events:
        join_report(direct, *playback(model(event), PLAYBACK_STATES["playing"]))
    assert record.encode(direct) == record.encode(state_of(events))
    assert len(direct.sessions) == SESSIONS_MAX
