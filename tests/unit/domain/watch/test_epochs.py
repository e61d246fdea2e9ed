from domain.watch.epochs import fold
from tests.unit.domain.watch.builders import an_event
from tests.unit.domain.watch.test_title import state_of

WATCHED = [
    an_event(session_id="a", at_s=0),
    an_event(session_id="a", at_s=3600, position_s=3600, state="ended"),
]


def again(**fields):
    """A second session, two days later, that starts at the given position and plays on."""
    start = fields.pop("position_s", 0)
    at_s = fields.pop("at_s", 2 * 86400)
    return [
        an_event(session_id="b", at_s=at_s, position_s=start, **fields),
        an_event(session_id="b", at_s=at_s + 600, position_s=start + 600, **fields),
    ]


def epochs(events):
    return [len(epoch.sessions) for epoch in fold(state_of(events))]


def test_never_played():
    assert epochs([an_event(state="hidden")]) == []


def test_starting_over_after_completion_opens_an_epoch():
    assert epochs(WATCHED + again()) == [1, 1]


def test_the_restart_threshold_is_a_minute_or_five_percent():
    assert epochs(WATCHED + again(position_s=179.999)) == [1, 1]
    assert epochs(WATCHED + again(position_s=180)) == [2]
    short = [an_event(session_id="a", position_s=600, duration_s=600, state="ended")]
    assert epochs(short + again(position_s=59.999, duration_s=6000)) == [1, 1]


def test_a_second_device_during_the_first_watching_is_the_same_epoch():
    assert epochs(WATCHED + again(at_s=1000)) == [2]


def test_a_short_look_is_no_rewatch():
    look = an_event(session_id="b", at_s=86400, position_s=20)
    assert epochs([*WATCHED, look]) == [2]


def test_unfinished_sessions_are_one_epoch():
    assert epochs(
        [an_event(session_id=f"s{n}", at_s=n * 1000, position_s=40) for n in range(4)]
    ) == [4]


def test_a_report_from_the_end_is_no_beginning():
    clip = {"duration_s": 20.0}
    done = an_event(session_id="a", position_s=20, state="ended", **clip)
    end = an_event(session_id="b", at_s=500, position_s=19, **clip)
    assert epochs([done, end]) == [2]


def test_the_old_epoch_stays_finished():
    first, second = fold(state_of(WATCHED + again()))
    assert first.finished_at == WATCHED[1]["occurred_at_ms"]
    assert second.finished_at > 10**14
