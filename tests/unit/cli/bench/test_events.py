"""The generator of progress events: deterministic, valid, and as its docstring says."""

from collections import Counter
from itertools import islice

from cli.bench.events import (
    HEARTBEAT_S,
    Population,
    duration_of,
    encoded_events,
    progress_events,
    title_name,
)
from schemas.codec import decode
from schemas.progress import ProgressEvent

SMALL = Population(viewers=200, watching=100, titles=500)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first = list(encoded_events(SMALL, 500))
    assert first == list(encoded_events(SMALL, 500))
    other = Population(viewers=200, watching=100, titles=500, seed=8)
    assert first != list(encoded_events(other, 500))


def test_every_record_decodes_and_is_keyed_by_its_user():
    for key, value in encoded_events(SMALL, 500):
        event = decode(ProgressEvent, value)
        assert key == event.user_id.encode()


def test_event_ids_are_unique_and_time_advances():
    events = list(islice(progress_events(SMALL), 2000))
    assert len({event.event_id for event in events}) == len(events)
    times = [event.occurred_at_ms for event in events]
    assert times == sorted(times)


def test_positions_stay_inside_the_title_and_ranges_are_one_heartbeat_at_most():
    for event in islice(progress_events(SMALL), 5000):
        assert 0 <= event.played_from_s <= event.played_to_s <= event.duration_s
        assert event.played_to_s - event.played_from_s <= HEARTBEAT_S + 1e-6
        assert event.position_s == event.played_to_s


def test_titles_follow_zipf_and_sessions_have_about_twenty_heartbeats():
    events = list(islice(progress_events(SMALL), 20_000))
    titles = Counter(event.content_id for event in events)
    assert titles[title_name(0)] > 3 * titles[title_name(20)]
    ended = sum(event.state in ("stopped", "ended") for event in events)
    assert 10 < len(events) / ended < 40


def test_durations_are_between_22_and_150_minutes():
    durations = {duration_of(title) for title in range(1000)}
    assert min(durations) >= 22 * 60
    assert max(durations) <= 150 * 60
    assert len(durations) > 3
