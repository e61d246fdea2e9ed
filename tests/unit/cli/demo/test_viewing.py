"""Ratings become progress events that a real player could have sent."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.demo.viewing import (
    SPAN_MS,
    WATCHED_SHARE,
    Rating,
    events_of,
    schedule,
    split_last,
    timeline,
)
from schemas.progress import ProgressEvent

ANCHOR_MS = 1_760_000_000_000
FILMS = [f"imdb:tt{number:07d}" for number in range(1, 9)]
RUNTIMES_S = {film: 60 * (70 + 10 * place) for place, film in enumerate(FILMS)}

RATINGS = st.lists(
    st.builds(
        Rating,
        user_id=st.sampled_from(["viewer-1", "viewer-2", "viewer-3"]),
        content_id=st.sampled_from([*FILMS, "imdb:tt9999999"]),
        rating=st.sampled_from(sorted(WATCHED_SHARE)),
        rated_at_s=st.integers(828_000_000, 1_600_000_000),
    ),
    max_size=40,
)


def one(rating: float, content_id: str = FILMS[2]) -> list[dict]:
    ratings = [Rating("viewer-1", content_id, rating, 1_000_000_000)]
    return timeline(schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS))


@settings(max_examples=60)
@given(RATINGS)
def test_every_event_is_accepted_by_the_schema(ratings):
    for event in timeline(schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS)):
        accepted = ProgressEvent.model_validate(event)
        assert 0 <= accepted.position_s <= accepted.duration_s
        assert 0 < accepted.credits_at_s < accepted.duration_s
        assert accepted.occurred_at_ms <= ANCHOR_MS


@settings(max_examples=60)
@given(RATINGS)
def test_events_are_in_time_order_with_unique_ids(ratings):
    events = timeline(schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS))
    times = [event["occurred_at_ms"] for event in events]
    assert times == sorted(times)
    assert len({event["event_id"] for event in events}) == len(events)


@settings(max_examples=60)
@given(RATINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_ratings_file_does_not_matter(ratings, random):
    ratings = list({(r.user_id, r.content_id): r for r in ratings}.values())
    shuffled = list(ratings)
    random.shuffle(shuffled)
    first, second = (
        timeline(schedule(some, RUNTIMES_S, anchor_ms=ANCHOR_MS)) for some in (ratings, shuffled)
    )
    assert first == second


@settings(max_examples=60)
@given(RATINGS)
def test_nobody_watches_two_films_at_once_and_films_follow_the_order_of_the_ratings(ratings):
    ratings = list({(r.user_id, r.content_id): r for r in ratings}.values())
    events = timeline(schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS))
    for user in {rating.user_id for rating in ratings}:
        own = [event["content_id"] for event in events if event["user_id"] == user]
        watched = [own[0], *(after for before, after in pairwise(own) if before != after)]
        rated = sorted(
            (r for r in ratings if r.user_id == user), key=lambda r: (r.rated_at_s, r.content_id)
        )
        assert watched == [rating.content_id for rating in rated]


def test_the_newest_rating_ends_at_the_anchor_and_the_oldest_viewer_a_week_before():
    ratings = [
        Rating("viewer-1", FILMS[0], 5.0, 1_000_000_000),
        Rating("viewer-2", FILMS[0], 5.0, 1_500_000_000),
    ]
    events = timeline(schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS))
    ends = {event["user_id"]: event["occurred_at_ms"] for event in events}
    assert ends == {"viewer-1": ANCHOR_MS - SPAN_MS, "viewer-2": ANCHOR_MS}


@pytest.mark.parametrize(
    ("rating", "state", "low", "high"),
    [(5.0, "ended", 1, 1), (4.0, "stopped", 0.95, 1), (3.0, "stopped", 0.6, 0.8),
     (1.0, "stopped", 0.05, 0.15)],
)  # fmt: skip
def test_a_rating_says_how_much_was_watched(rating, state, low, high):
    last = one(rating)[-1]
    assert last["state"] == state
    assert low <= last["position_s"] / last["duration_s"] <= high


@pytest.mark.parametrize("rating", sorted(WATCHED_SHARE))
def test_played_ranges_join_from_the_start_to_the_last_position(rating):
    events = one(rating)
    assert 3 <= len(events) <= 4
    assert (events[0]["state"], events[0]["position_s"]) == ("playing", 0)
    ranges = [(event["played_from_s"], event["played_to_s"]) for event in events[1:]]
    assert ranges[0][0] == 0
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert ranges[-1][1] == events[-1]["position_s"]


@pytest.mark.parametrize("rating", sorted(WATCHED_SHARE))
def test_no_more_is_played_than_time_has_passed(rating):
    for before, after in pairwise(one(rating)):
        passed_s = (after["occurred_at_ms"] - before["occurred_at_ms"]) / 1000
        assert after["played_to_s"] - after["played_from_s"] <= passed_s + 0.002


def test_the_length_comes_from_the_catalogue_and_is_100_minutes_where_it_has_none():
    assert one(5.0)[0]["duration_s"] == RUNTIMES_S[FILMS[2]]
    assert one(5.0, "imdb:tt9999999")[0]["duration_s"] == 6000


def test_a_film_rated_twice_is_one_viewing_that_counts_the_newer_rating():
    ratings = [
        Rating("viewer-1", FILMS[0], 5.0, 1_000_000_000),
        Rating("viewer-1", FILMS[0], 1.0, 1_000_000_500),
    ]
    (viewing,) = schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS)
    assert not viewing.finished
    assert len(events_of(viewing)) == 3


def test_no_ratings_no_events():
    assert schedule([], RUNTIMES_S, anchor_ms=ANCHOR_MS) == []


def test_the_last_film_of_each_viewer_is_split_off():
    ratings = [
        Rating(user, film, 4.0, 1_000_000_000 + at)
        for user, films in (("viewer-1", FILMS[:3]), ("viewer-2", FILMS[3:4]))
        for at, film in enumerate(films)
    ]
    viewings = schedule(ratings, RUNTIMES_S, anchor_ms=ANCHOR_MS)
    earlier, last = split_last(viewings)
    assert [viewing.content_id for viewing in earlier] == FILMS[:2]
    assert {v.user_id: v.content_id for v in last} == {"viewer-1": FILMS[2], "viewer-2": FILMS[3]}
