"""Users without a slate: what trends, and new titles in the places that explore."""

import pytest

from api.app import create_app
from api.services import NEWEST_TTL_S
from schemas.content import Availability
from schemas.ranking_rule import RankingRule, RuleMatch
from schemas.trending import TrendingEntry, TrendingPartial
from tests.component.api.fakes import NOW_MS, FakeWorld, a_content
from tests.support.described import DescribedClient

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


def filtering(rule_id, content_id, **changes):
    match = RuleMatch(content_ids=(content_id,))
    return RankingRule(rule_id=rule_id, action="filter", match=match, **changes)


def trending_of(get, **query):
    entries = get("/api/v1/trending", **query).json()["entries"]
    return [entry["content_id"] for entry in entries]


def test_filters_hold_for_what_trends_and_for_who_has_no_slate(world, get):
    world.database.add_content(a_content("new", maturity_rating="G"))
    everywhere, list_alone = filtering("f-all", "t00", row="all"), filtering("f-you", "t01")
    rules = (
        everywhere, list_alone, filtering("f-new", "new"),
        filtering("f-trend", "t02", row="trending"), filtering("f-es", "t03", regions=("ES",)),
        filtering("f-off", "t04", enabled=False), filtering("f-past", "t05", until_at_ms=NOW_MS),
    )  # fmt: skip
    world.database.ranking_rules = {rule.rule_id: rule for rule in rules}
    names = [f"t{number:02d}" for number in range(12)]
    assert trending_of(get) == [name for name in names if name not in {"t00", "t02"}]
    found = listed(get(PATH))
    assert [name for _, name in found["trending"]] == names[2:11]
    assert "new" not in [name for _, name in found["exploration"]]
    spanish = listed(get(PATH, region="ES"))
    assert [name for _, name in spanish["trending"]][:2] == ["t02", "t04"]
    feed = get("/api/v1/users/nobody/feed").json()["rows"]
    (row,) = [row for row in feed if row["name"] == "trending"]
    assert row["entries"][0]["content_id"] == "t01"


@pytest.mark.parametrize(
    ("content_id", "reason"),
    [("t00", "filtered"), ("t01", "maturity"), ("old", "not_trending")],
)
def test_explain_says_what_keeps_a_title_from_a_new_viewer(world, get, content_id, reason):
    world.database.ranking_rules = {"f-all": filtering("f-all", "t00", row="all")}
    world.database.add_content(a_content("t01", maturity_rating="R"))
    for name in ("new", "newer"):  # take the places that explore
        world.database.add_content(a_content(name, maturity_rating="G"))
    found = get(f"/api/v1/users/nobody/explain/{content_id}").json()
    assert found["reason"] == reason
    assert found.get("rules", []) == (["f-all"] if reason == "filtered" else [])


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
    with DescribedClient(create_app(world.settings, world.open_services)) as client:
        assert client.get(PATH, headers=headers).json()["entries"] == []
