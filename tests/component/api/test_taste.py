"""Titles near to a user's taste: what counts for it, what is left out, and rules."""

import numpy as np
import pytest

from api.taste import LIMIT_MAX
from domain.watch.reports import fingerprint
from infra.postgres.viewers import Viewer
from schemas.content import Availability
from schemas.embedding import DIMENSIONS
from schemas.ranking_rule import RankingRule, RuleMatch
from tests.component.api.fakes import NOW_MS, a_content, a_state, ids
from tests.component.api.test_webhooks import problem

TASTE = "/api/v1/users/user-1/taste"
DAY_MS = 24 * 3600 * 1000


def at(degrees):
    """A unit vector in the plane of the first two coordinates."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vector


def encoded(world, encoder="encoder-1", **degrees):
    for name, angle in degrees.items():
        world.database.add_content(a_content(name))
        world.database.vectors[name] = (encoder, at(angle))


def watched(world, name, **changes):
    world.database.add_state(a_state(name, **{"progress": 1.0, "completed": True} | changes))


def test_the_nearest_come_first_without_what_was_touched(world, get):
    encoded(world, seen=0, begun=1, near=10, far=170, middle=80)
    watched(world, "seen", updated_at_ms=NOW_MS - 5)
    watched(world, "begun", progress=0.1, completed=False)
    world.database.viewers["user-1"] = Viewer(
        "user-1", 7, 7, (fingerprint("event-1").hex(),), NOW_MS
    )
    body = get(TASTE, after_event="event-1").json()
    assert body["user_id"] == "user-1"
    assert body["after_event"] == {"event_id": "event-1", "included": True}
    assert (body["encoder"], body["titles"]) == ("encoder-1", 1)
    assert [(each["content_id"], each["title"]) for each in body["entries"]] == [
        ("near", "Title of near"), ("middle", "Title of middle"), ("far", "Title of far"),
    ]  # fmt: skip
    cosines = [each["score"] for each in body["entries"]]
    assert cosines == pytest.approx(np.cos(np.radians([10, 80, 170])), abs=1e-5)
    assert ids(get(TASTE, limit=1)) == ["near"]


def test_progress_and_recency_weigh_and_refusals_do_not_count(world, get):
    encoded(world, old=0, new=90, half=45, disliked=180, hidden=180, a=20, b=70)
    watched(world, "old", updated_at_ms=NOW_MS - int(world.settings.taste_half_life_days * DAY_MS))
    watched(world, "new", updated_at_ms=NOW_MS)
    watched(world, "disliked", rating=1.0)
    watched(world, "hidden", hidden=True)
    body = get(TASTE).json()
    assert body["titles"] == 2
    taste = np.degrees(np.arctan2(1.0, 0.5))  # the old one weighs half
    scores = {each["content_id"]: each["score"] for each in body["entries"]}
    assert scores["a"] == pytest.approx(np.cos(np.radians(taste - 20)), abs=1e-5)
    assert list(scores) == ["b", "half", "a"]
    watched(world, "half", completed=False, progress=0.4, updated_at_ms=NOW_MS)
    assert get(TASTE).json()["titles"] == 3


def test_of_two_encoders_that_of_more_titles_is_used(world, get):
    encoded(world, seen1=0, seen2=10, near=5)
    encoded(world, "encoder-2", seen3=0, other=0)
    for name in ("seen1", "seen2", "seen3"):
        watched(world, name)
    body = get(TASTE).json()
    assert (body["encoder"], body["titles"]) == ("encoder-1", 2)
    assert ids(get(TASTE)) == ["near"]


def test_nobody_and_nothing_encoded_have_no_taste(world, get):
    assert get(TASTE).json() == {
        "user_id": "user-1", "as_of": "2026-01-01T20:40:00.000Z", "titles": 0, "entries": [],
    }  # fmt: skip
    world.database.add_content(a_content("seen"))
    watched(world, "seen")
    assert get(TASTE).json()["titles"] == 0
    encoded(world, one=0, opposite=180)
    watched(world, "one", updated_at_ms=NOW_MS)
    watched(world, "opposite", updated_at_ms=NOW_MS)
    assert get(TASTE).json()["entries"] == []  # they cancel each other out


def test_parts_and_what_counts_for_something_touched_are_left_out(world, get):
    encoded(world, seen=0, show=1, film=2, other=3)
    for name, fields in (
        ("e1", {"type": "episode", "series_id": "show"}),
        ("e2", {"type": "episode", "series_id": "other"}),
        ("cut", {"version_of": "film"}),
        ("dub", {"version_of": "other"}),
    ):
        encoded(world, **{name: 4})
        world.database.add_content(a_content(name, **fields))
    for name in ("seen", "e1", "cut"):
        watched(world, name)
    assert ids(get(TASTE)) == ["other"]


def test_offers_and_filters_hold(world, get):
    encoded(world, seen=0, here=1, away=2, there=3, filtered=4)
    offer = Availability(partner="acme", region="US")
    world.database.add_content(a_content("away", availability=(offer,)))
    world.database.add_content(a_content("filtered", genres=("Horror",)))
    world.database.ranking_rules["no-horror"] = RankingRule(
        rule_id="no-horror", action="filter", match=RuleMatch(genres=("Horror",))
    )
    watched(world, "seen")
    assert ids(get(TASTE, region="DE")) == ["here", "there"]
    assert ids(get(TASTE, region="US")) == ["here", "away", "there"]


def test_bad_parameters_and_an_outage_are_problems(world, get):
    problem(get(TASTE, limit=LIMIT_MAX + 1), 400, "invalid-content")
    problem(get(TASTE, region="Germany"), 400, "invalid-content")
    world.database.away = True
    problem(get(TASTE), 503, "unavailable")
