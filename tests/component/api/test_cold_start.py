"""Users without a slate: what trends, and new titles in the places that explore."""

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.services import NEWEST_TTL_S
from schemas.content import Availability
from schemas.trending import TrendingEntry, TrendingPartial
from tests.component.api.fakes import NOW_MS, FakeWorld, a_content

PATH = "/api/v1/users/nobody/recommendations"


@pytest.fixture
def world():
    found = FakeWorld(slate_size=10, exploration_budget=0.2, slate_age_max=16)
    trending = [f"t{number:02d}" for number in range(12)]
    for name in ("old", *trending):
        found.database.add_content(a_content(name, maturity_rating="G"))
    entries = tuple(
        TrendingEntry(content_id=name, region=region, score=20.0 - place, viewers=3)
        for place, name in enumerate(trending)
        for region in ("DE", "ES")
    )
    found.database.partials = [
        TrendingPartial(shard="0", as_of_ms=NOW_MS, half_life_ms=3_600_000, entries=entries)
    ]
    return found


def listed(response):
    assert response.status_code == 200, response.text
    entries = response.json()["entries"]
    return {
        kind: [
            (place, entry["content_id"])
            for place, entry in enumerate(entries, 1)
            if entry["recommendation_type"] == kind
        ]
        for kind in ("trending", "exploration")
    }


def test_the_newest_titles_are_in_the_places_that_explore(world, get):
    for name in ("new", "newer"):
        world.database.add_content(a_content(name, maturity_rating="G"))
    found = listed(get(PATH))
    assert found["exploration"] == [(5, "newer"), (10, "new")]
    assert [name for _, name in found["trending"]] == [f"t{number:02d}" for number in range(8)]
    (explored, _) = [e for e in get(PATH).json()["entries"] if e["content_id"].startswith("new")]
    assert explored["based_on"] == ["exploration"]
    assert explored["explanation"] == "New here: be among the first to see it"
    assert [e["content_id"] for e in get(PATH, limit=4).json()["entries"]] == [
        "t00", "t01", "t02", "t03",
    ]  # fmt: skip


def test_what_is_for_older_viewers_does_not_trend(world, get):
    world.database.add_content(a_content("t00", maturity_rating="R"))
    world.database.add_content(a_content("t01", maturity_rating=None))
    shown = [name for _, name in listed(get(PATH))["trending"]]
    assert shown[:2] == ["t02", "t03"]
    trending = get("/api/v1/trending").json()["entries"]
    assert [entry["content_id"] for entry in trending] == [f"t{n:02d}" for n in range(2, 12)]


def test_what_may_not_be_shown_does_not_explore(world, get):
    german = (Availability(partner="acme", region="DE"),)
    for name, fields in {
        "german": {"availability": german, "maturity_rating": "G"},
        "adult": {"maturity_rating": "NC-17"}, "unrated": {},
        "episode": {"type": "episode", "series_id": "old", "maturity_rating": "G"},
        "cut": {"version_of": "old", "maturity_rating": "G"},
    }.items():  # fmt: skip
        world.database.add_content(a_content(name, **fields))
    assert listed(get(PATH, region="DE"))["exploration"] == [(5, "german"), (10, "t11")]
    assert listed(get(PATH, region="ES"))["exploration"] == [(5, "t11"), (10, "t10")]


def test_few_new_titles_leave_their_places_to_what_trends(world, get):
    for name in ("t10", "t11", "old"):
        del world.database.contents[name]
    found = listed(get(PATH))
    assert (len(found["trending"]), found["exploration"]) == (10, [])


def test_a_title_that_arrives_is_shown_within_the_life_of_the_cache(world, get):
    assert listed(get(PATH))["exploration"] == [(5, "t11"), (10, "t10")]
    world.database.add_content(a_content("new", maturity_rating="G"))
    world.later(NEWEST_TTL_S)
    assert listed(get(PATH))["exploration"] == [(5, "new"), (10, "t11")]


def test_without_a_budget_nothing_explores():
    world = FakeWorld(exploration_budget=0.0)
    world.database.add_content(a_content("new"))
    headers = {"Authorization": f"Bearer {world.database.add_key()}"}
    with TestClient(create_app(world.settings, world.open_services)) as client:
        assert client.get(PATH, headers=headers).json()["entries"] == []
