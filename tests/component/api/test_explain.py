"""Explanations: entries with their terms, each reason of an absent title, users without a slate."""

from typing import get_args

import pytest

from domain.slates import SlateRules, build_slates
from infra.postgres.slates import ServedSlate
from schemas.api import AbsenceReason, Explanation, recommendations_of
from schemas.codec import decode, encode
from schemas.content import Availability
from schemas.ranking_rule import RankingRule
from schemas.slate import Slate, SlateRanking
from schemas.trending import TrendingEntry, TrendingPartial
from tests.component.api.fakes import NOW_MS, a_content, a_state
from tests.component.api.test_reads import KNOWN, an_entry
from tests.component.api.test_webhooks import problem
from tests.support import viewers as ranked_world

RANKING = SlateRanking(
    region="ES", age_max=16, filters=("no-swedish",), candidates=9,
    sources=("cowatch", "next_title", "popular", "from_next_year"),
    terms=((0.1, 0.3, -0.1, 0.0), (0.4, 0.0, 0.1, 0.0)), because=({"seen-1": 0.3}, {}),
    lifts={"p1": 0.2, "r1": -0.4}, rules={"p1": ("boost-war",), "r1": ("bury-war",)},
    pool={"p1": 0.5, "d1": 0.5, "e1": 0.4, "r1": 0.3}, displaced=("e1",),
)  # fmt: skip
SWEDISH = RankingRule.model_validate(
    {"rule_id": "no-swedish", "action": "filter", "match": {"languages": ["sv"]}}
)
G = {"maturity_rating": "G"}


def put_slate(world, *entries, ranking: SlateRanking | None = RANKING):
    slate = Slate(
        user_id="user-1", entries=entries, as_of_ms=NOW_MS - 500, source_offset=7,
        generated_at_ms=NOW_MS, model_version="m",
    )  # fmt: skip
    stored = None if ranking is None else encode(ranking)
    world.database.slates["user-1"] = ServedSlate(
        encode(recommendations_of(slate)), 7, (), 7, (KNOWN,), slate.as_of_ms, ranking=stored
    )


@pytest.fixture
def explain(world, get):
    explored = an_entry("n1").model_copy(
        update={"recommendation_type": "exploration", "score": -2.0}
    )
    put_slate(world, an_entry("p1"), explored)
    for name in ("p1", "n1", "d1", "e1", "r1", "seen-1"):
        world.database.add_content(a_content(name))
    world.database.ranking_rules["no-swedish"] = SWEDISH

    def ask(content_id, **params):
        response = get(f"/api/v1/users/user-1/explain/{content_id}", **params)
        assert response.status_code == 200, response.text
        return Explanation.model_validate_json(response.content)

    return ask


def test_an_entry_with_all_terms_largest_first(explain):
    found = explain("p1")
    assert (found.place, found.rank, found.candidates, found.score) == (1, 1, 9, 0.5)
    assert (found.reason, found.title) == (None, "Title of p1")
    assert (found.explanation, found.recommendation_type) == ("Because", "collaborative")
    assert found.based_on == ("film-0",)
    assert [(term.source, term.kind, term.value) for term in found.terms] == [
        ("next_title", "collaborative", 0.3), ("cowatch", "collaborative", 0.1),
        ("from_next_year", None, 0.0), ("popular", "trending", -0.1),
    ]  # fmt: skip
    assert found.terms[0].label == "What viewers go on to"
    (cause,) = found.because
    assert (cause.content_id, cause.title, cause.value) == ("seen-1", "Title of seen-1", 0.3)
    assert (found.lift, found.rules) == (0.2, ("boost-war",))
    assert (found.slate_score_min, found.pool_score_min) == (0.5, 0.3)
    assert (found.as_of, found.generated_at_ms) == ("2026-01-01T20:39:59.500Z", NOW_MS)
    assert sum(term.value for term in found.terms) + found.lift == pytest.approx(found.score)


def test_a_title_that_explores_has_a_place_without_a_rank(explain):
    found = explain("n1")
    assert (found.place, found.rank, found.score) == (2, None, -2.0)
    assert found.recommendation_type == "exploration"
    assert [term.source for term in found.terms][:2] == ["cowatch", "popular"]


def test_after_event_is_answered(explain):
    assert explain("p1").after_event is None
    assert explain("p1", after_event="event-1").after_event.included
    assert not explain("p1", after_event="event-2").after_event.included


def absent_contents(world):
    """Titles that are absent, by the reason."""
    database = world.database
    database.add_content(a_content("series-1", type="series", **G))
    database.add_content(a_content("part", type="episode", series_id="nowhere"))
    database.removed.add("gone")
    states = {
        "hidden": {"hidden": True}, "dismissed": {"dismissed": True},
        "watched": {"completed": True, "completions": 1}, "in_progress": {},
        "begun": {"resumable": False},
        "rated": {"rating": 3.0, "resumable": False, "started_at_ms": None},
    }  # fmt: skip
    for reason, fields in states.items():
        database.add_content(a_content(reason))
        database.add_state(a_state(reason, **fields))
    german = (Availability(partner="acme", region="DE"),)
    for name, fields in {
        "newer": {"updated_at_ms": NOW_MS + 1}, "german": {"availability": german},
        "adult": {"maturity_rating": "NC-17"}, "swedish": {"language": "sv"} | G, "low": G,
    }.items():  # fmt: skip
        database.add_content(a_content(name, **fields))
    return {
        "removed": "gone", "part_of": "part", **{reason: reason for reason in states},
        "displaced": "e1", "diversity": "d1", "rank": "r1", "newer_than_slate": "newer",
        "not_available": "german", "maturity": "adult", "filtered": "swedish", "below_pool": "low",
    }  # fmt: skip


def test_each_reason_of_an_absent_title(world, explain):
    absent = absent_contents(world)
    found = {reason: explain(content_id) for reason, content_id in absent.items()}
    assert {reason: each.reason for reason, each in found.items()} == {
        reason: reason for reason in absent
    }
    assert all(each.place is None and not each.terms for each in found.values())
    assert len({each.explanation for each in found.values()}) == len(found)
    ranked = found["rank"]
    assert (ranked.rank, ranked.score, ranked.lift, ranked.rules) == (4, 0.3, -0.4, ("bury-war",))
    assert ranked.explanation == "Number 4 of 9 by score; 2 are shown"
    assert found["filtered"].rules == ("no-swedish",)
    assert found["below_pool"].pool_score_min == 0.3
    told_elsewhere = {"nothing_speaks_for_it", "not_recorded", "not_trending"}
    assert set(absent) | told_elsewhere == set(get_args(AbsenceReason))


def test_what_is_not_known_is_said(world, explain):
    world.database.add_content(a_content("low", **G))
    put_slate(world, an_entry("p1"), ranking=RANKING.model_copy(update={"candidates": 4}))
    assert explain("low").reason == "nothing_speaks_for_it"
    world.database.ranking_rules.clear()
    assert explain("low").reason == "not_recorded"
    put_slate(world, an_entry("p1"), ranking=None)  # of an older version
    assert explain("low").reason == "not_recorded"
    found = explain("p1")
    assert (found.place, found.explanation, found.terms) == (1, "Because", ())


def test_a_part_is_explained_by_its_whole(world, explain):
    for name, fields in {
        "p1": {"type": "series"}, "p1e1": {"type": "episode", "series_id": "p1"},
        "p1e1-uncut": {"type": "episode", "series_id": "p1", "version_of": "p1e1"},
        "cut": {"version_of": "r1"}, "orphan": {"version_of": "never-announced"} | G,
        "circle-1": {"version_of": "circle-2"} | G, "circle-2": {"version_of": "circle-1"} | G,
    }.items():  # fmt: skip
        world.database.add_content(a_content(name, **fields))
    for part in ("p1e1", "p1e1-uncut"):
        found = explain(part)
        assert (found.content_id, found.explained_content_id, found.place) == (part, "p1", 1)
    assert (explain("cut").explained_content_id, explain("cut").reason) == ("r1", "rank")
    assert explain("orphan").explained_content_id == "orphan"
    assert explain("circle-2").explained_content_id == "circle-1"
    world.database.add_state(a_state("p1e1"))
    put_slate(world, an_entry("n1"))
    assert explain("p1e1-uncut").reason == "in_progress"


@pytest.fixture
def trending(world):
    scores = {f"t{number}": 30.0 - number for number in range(1, 22)}
    german = (Availability(partner="acme", region="DE"),)
    world.database.add_content(a_content("german", availability=german))
    for name in (*scores, "newest"):
        world.database.add_content(a_content(name))
    entries = tuple(
        TrendingEntry(content_id=name, region="ES", score=score, viewers=3)
        for name, score in scores.items()
    )
    world.database.partials = [
        TrendingPartial(shard="0", as_of_ms=NOW_MS, half_life_ms=3_600_000, entries=entries)
    ]


def test_a_user_without_a_slate_is_told_what_trends(world, get, trending):
    def ask(content_id, user="nobody", **params):
        response = get(f"/api/v1/users/{user}/explain/{content_id}", **params)
        return Explanation.model_validate_json(response.content)

    first = ask("t1")
    assert (first.cold_start, first.place, first.rank, first.candidates) == (True, 1, 1, 21)
    assert (first.score, first.recommendation_type, first.model_version) == (
        29.0, "trending", "trending",
    )  # fmt: skip
    assert first.explanation == "Trending now: 3 viewers"
    explored = ask("newest")
    assert (explored.place, explored.rank, explored.recommendation_type) == (
        20,
        None,
        "exploration",
    )
    assert ask("german", region="ES").reason == "not_available"
    assert ask("german", region="DE").reason == "not_trending"
    world.database.removed.add("gone")
    assert ask("gone").reason == "removed"
    put_slate(world)  # made before anything was known
    assert ask("t1", user="user-1").cold_start


def test_beyond_the_list_of_a_new_user_there_is_a_rank(trending, get):
    body = get("/api/v1/users/nobody/explain/t21").json()
    assert (body["reason"], body["rank"], body["score"]) == ("rank", 21, 9.0)
    assert body["explanation"] == "Number 21 of what trends; 19 are shown to a new viewer"


def test_who_may_ask_and_what_is_unknown(world, client, get):
    path = "/api/v1/users/user-1/explain/film-1"
    problem(get(path), 404, "not-found")
    problem(client.get(path), 401, "unauthenticated")
    world.database.add_content(a_content("film-1"))
    other = {"Authorization": f"Bearer {world.database.add_key(user_id='user-2')}"}
    problem(client.get(path, headers=other), 403, "forbidden")
    world.database.away = True
    problem(get(path), 503, "unavailable")


def test_explanations_agree_with_slates_about_every_title(world, get):
    """A title is in the slate if and only if its explanation says so: for slates really made."""
    ranker = ranked_world.ranker()
    world.now_ms = ranked_world.NOW_MS
    for content in ranked_world.contents():
        world.database.add_content(content)
    for rule in ranked_world.rules():
        world.database.ranking_rules[rule.rule_id] = rule
    shape: SlateRules = ranked_world.SHAPE
    for watcher in ranked_world.watchers(24)[3::10]:
        user_id = watcher.viewer.user_id
        (built,) = build_slates(ranker, [watcher.viewer], shape, world.now_ms)
        slate = decode(Slate, built.value)
        world.database.slates[user_id] = ServedSlate(
            encode(recommendations_of(slate)), 7, (), 7, (), 5,
            packed_ranking=encode(slate.packed_ranking),
        )  # fmt: skip
        for state in watcher.states:
            world.database.add_state(state)
        places = {entry.content_id: place for place, entry in enumerate(slate.entries, 1)}
        for content in ranked_world.contents():
            body = get(f"/api/v1/users/{user_id}/explain/{content.content_id}").json()
            assert body.get("place") == places.get(body["explained_content_id"])
            assert ("place" in body) != ("reason" in body)
            score = sum(term["value"] for term in body["terms"]) + body["lift"]
            assert "place" not in body or score == pytest.approx(body["score"], abs=1e-5)
