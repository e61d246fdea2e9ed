from hypothesis import given

from domain.watch import record
from domain.watch.title import Title
from tests.unit.domain.watch.builders import BASE, an_event, histories
from tests.unit.domain.watch.test_title import state_of


@given(histories())
def test_decode_of_encode_is_the_same_title(events):
    title = state_of(events)
    encoded = record.encode(title)
    decoded = record.decode(encoded)
    assert record.encode(decoded) == encoded
    assert len(encoded) % record.WORD_BYTES == 0
    for name in ("duration", "row", "visibility", "rating"):
        assert getattr(decoded, name) == getattr(title, name)
    for key, session in title.sessions.items():
        other = decoded.sessions[key]
        for name in ("first", "newest", "finished_at", "started", "furthest", "intervals"):
            assert getattr(other, name) == getattr(session, name)
        assert sorted(other.runs) == sorted(session.runs)


def test_empty_title():
    assert record.decode(record.encode(Title())).is_empty()


def test_a_title_watched_in_one_go_is_small():
    claimed = state_of(
        [an_event(at_s=60 * n, position_s=60 * n, played_from_s=60 * (n - 1), played_to_s=60 * n)
         for n in range(1, 60)]
    )  # fmt: skip
    reported = state_of([an_event(at_s=60 * n, position_s=60 * n) for n in range(60)])
    assert len(record.encode(claimed)) <= 44
    assert len(record.encode(reported)) <= 60


def test_a_session_that_never_ends_keeps_exact_times():
    events = [an_event(position_s=1), an_event(at_s=90 * 86400, position_s=2)]
    title = record.decode(record.encode(state_of(events)))
    (session,) = title.sessions.values()
    assert session.newest[0] == BASE + 90 * 86_400_000


def test_a_finish_within_a_session_that_never_ends():
    events = [an_event(position_s=1), an_event(at_s=60 * 86400, position_s=3600)]
    title = state_of([*events, an_event(at_s=90 * 86400, position_s=2)])
    (session,) = record.decode(record.encode(title)).sessions.values()
    assert session.finished_at == BASE + 60 * 86_400_000


def test_latest_time_that_is_accepted():
    title = state_of([an_event(occurred_at_ms=253_402_300_799_000, position_s=3600)])
    assert record.encode(record.decode(record.encode(title))) == record.encode(title)


def test_a_long_record_is_packed_like_a_short_one():
    for claims in (1, 20, 26, 27, 28, 29, 60):
        events = [
            an_event(at_s=9 * n, position_s=9 * n, played_from_s=9 * n, played_to_s=9 * n + 5)
            for n in range(claims)
        ]
        encoded = record.encode(state_of(events))
        (session,) = record.decode(encoded).sessions.values()
        assert len(session.intervals) == 2 * claims
        assert record.encode(record.decode(encoded)) == encoded
