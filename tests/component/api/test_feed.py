"""The feed: rows from every part, filters, freshness, cold start, outages."""

import math

import pytest

from infra.postgres.slates import ServedSlate
from infra.postgres.viewers import Viewer
from schemas.api import ContinueWatching, Feed, recommendations_of
from schemas.codec import encode
from schemas.content import Availability
from schemas.slate import RowTitle, Slate, SlateFeed, SlateRow
from schemas.times import to_rfc3339
from schemas.trending import TrendingEntry, TrendingPartial
from tests.component.api.fakes import NOW_MS, a_content, a_state
from tests.component.api.test_reads import KNOWN, an_entry
from tests.component.api.test_webhooks import problem

FEED = "/api/v1/users/user-1/feed"
PARTITION = 0.5 + math.log(50.0)  # entries have a score of 0.5: each has a probability of 0.02
SPAIN = (Availability(partner="acme", region="ES"),)


def titles(*ids, score=0.5):
    return tuple(RowTitle(content_id=name, title=name.upper(), score=score) for name in ids)


ROWS = (
    SlateRow(
        name="because_you_watched", because_of="x", because_of_title="X",
        entries=titles("b1", "b2", score=0.4),
    ),
    SlateRow(name="new_for_you", entries=titles("n1", "p1", score=-1.0)),
)  # fmt: skip


def put_slate(world, *ids, rows=ROWS, feed=True, **changes):
    slate = Slate(
        user_id="user-1", entries=tuple(an_entry(name) for name in ids), as_of_ms=NOW_MS - 500,
        source_offset=7, generated_at_ms=NOW_MS, model_version="m",
    )  # fmt: skip
    body = encode(recommendations_of(slate))
    stored = encode(SlateFeed(rows=rows, log_partition=PARTITION)) if feed else None
    served = ServedSlate(body, 7, (), 7, (KNOWN,), slate.as_of_ms, stored)
    world.database.slates["user-1"] = served._replace(**changes)


def trend(world, **scores):
    for name in scores:
        if name not in world.database.contents:
            world.database.add_content(a_content(name))
    entries = tuple(
        TrendingEntry(content_id=name, region="ES", score=score, viewers=3)
        for name, score in scores.items()
    )
    part = TrendingPartial(shard="0", as_of_ms=NOW_MS, half_life_ms=3_600_000, entries=entries)
    world.database.partials = [part]


@pytest.fixture
def get(client, app_headers):
    return lambda path=FEED, **params: client.get(path, params=params, headers=app_headers)


def shape(response):
    assert response.status_code == 200, response.text
    feed = Feed.model_validate_json(response.content)
    return {
        (row.name, row.because_of): [entry.content_id for entry in row.entries]
        for row in feed.rows
    }  # fmt: skip


def test_a_page_of_all_rows_by_value_with_their_probabilities(world, get):
    put_slate(world, "p1", "p2")
    trend(world, t1=1.0, p2=3.0, t2=96.0)
    world.database.add_state(a_state("film-1"))
    world.database.add_content(a_content("film-1"))
    response = get()
    assert list(shape(response).items()) == [
        (("trending", None), ["t2", "p2", "t1"]),
        (("continue_watching", None), ["film-1"]),
        (("because_you_watched", "x"), ["b1", "b2"]),
        (("for_you", None), ["p1"]),
        (("new_for_you", None), ["n1"]),
    ]
    rows = {row["name"]: row for row in response.json()["rows"]}
    assert rows["for_you"]["entries"] == [
        {"content_id": "p1", "probability": 0.02, "explanation": "Because"}
    ]
    assert [entry["probability"] for entry in rows["trending"]["entries"]] == [0.96, 0.03, 0.01]
    assert rows["because_you_watched"]["title"] == "Because you watched X"
    assert rows["because_you_watched"]["entries"][0]["probability"] == round(math.exp(-0.1) / 50, 6)
    (card,) = rows["continue_watching"]["entries"]
    assert card["card"]["position_s"] == 600
    assert card["probability"] == card["card"]["resume_probability"]
    assert response.json()["cold_start"] is False
    assert response.json()["as_of"] == "2026-01-01T20:39:59.500Z"


def test_the_limit_is_one_of_each_row(world, get):
    put_slate(world, "p1", "p2", "p3")
    trend(world, t1=2.0, t2=1.0)
    for entries in shape(get(limit=2)).values():
        assert 1 <= len(entries) <= 2
    assert shape(get(limit=1))["for_you", None] == ["p1"]


def test_removed_and_unavailable_titles_are_on_no_row(world, get):
    put_slate(world, "p1", "p2")
    trend(world, t1=1.0)
    world.database.removed |= {"p1", "b1"}
    world.database.add_content(a_content("n1", availability=SPAIN))
    assert shape(get(region="ES")) == {
        ("trending", None): ["t1"], ("for_you", None): ["p2"],
        ("because_you_watched", "x"): ["b2"], ("new_for_you", None): ["n1"],
    }  # fmt: skip
    assert shape(get(region="DE")) == {
        ("for_you", None): ["p2"], ("because_you_watched", "x"): ["b2"],
    }  # fmt: skip


def test_what_the_viewer_began_or_refused_is_recommended_nowhere(world, get):
    put_slate(world, "p1", "begun", rows=())
    trend(world, done=5.0, hidden=4.0, show=3.0, seek=2.0)
    world.database.add_content(a_content("e1", type="episode", series_id="show"))
    finished = {"completed": True, "completions": 1, "resumable": False}
    world.database.add_state(a_state("done", **finished))
    world.database.add_state(a_state("e1", **finished))
    world.database.add_state(a_state("hidden", hidden=True, started_at_ms=None, resumable=False))
    world.database.add_state(a_state("seek", started_at_ms=None, resumable=False))
    world.database.add_state(a_state("begun"))
    assert shape(get()) == {
        ("continue_watching", None): ["begun"], ("for_you", None): ["p1"],
        ("trending", None): ["seek"],
    }  # fmt: skip


def test_an_unknown_user_gets_what_is_trending_marked_as_such(world, get):
    trend(world, t1=1.0, t2=2.0)
    response = get("/api/v1/users/nobody/feed", after_event="event-1")
    assert shape(response) == {("trending", None): ["t2", "t1"]}
    assert response.json()["cold_start"] is True
    assert response.json()["as_of"] == to_rfc3339(NOW_MS)
    assert response.json()["after_event"] == {"event_id": "event-1", "included": False}


def test_an_empty_system_has_an_empty_page(get):
    response = get("/api/v1/users/nobody/feed")
    assert shape(response) == {}
    assert response.json()["cold_start"] is True


@pytest.mark.parametrize(
    ("event", "changes", "included"),
    [
        ("event-1", {}, True),
        ("event-1", {"source_offset": 6}, False),
        ("event-2", {}, False),
    ],
)
def test_after_event_says_whether_the_page_knows_it(world, get, event, changes, included):
    put_slate(world, "p1", **changes)
    found = get(after_event=event).json()["after_event"]
    assert found == {"event_id": event, "included": included}


def test_a_slate_from_before_rows_comes_last_without_probabilities(world, get):
    put_slate(world, "p1", feed=False)
    trend(world, t1=1.0)
    response = get()
    assert list(shape(response)) == [("trending", None), ("for_you", None)]
    row = response.json()["rows"][1]
    assert row["value"] == 0
    assert "probability" not in row["entries"][0]


def test_it_needs_the_scope_the_user_and_the_database(world, client, get):
    for changes in ({"scopes": ("progress:write",)}, {"user_id": "user-2"}):
        headers = {"Authorization": f"Bearer {world.database.add_key(**changes)}"}
        problem(client.get(FEED, headers=headers), 403, "forbidden")
    problem(client.get(FEED), 401, "unauthenticated")
    problem(get(limit=51), 400, "invalid-content")
    world.database.away = True
    problem(get(), 503, "unavailable")


def test_continue_watching_by_resume_probability(world, get):
    path = "/api/v1/users/user-1/continue-watching"
    day_ms = 86_400_000
    world.database.add_state(a_state("begun", position_s=60, updated_at_ms=NOW_MS - 1000))
    world.database.add_state(a_state("nearly", position_s=5400, updated_at_ms=NOW_MS - 2000))
    world.database.add_state(a_state("old", position_s=5400, updated_at_ms=NOW_MS - 30 * day_ms))
    world.database.viewers["user-1"] = Viewer("user-1", 7, 7, (KNOWN,), NOW_MS)

    def ids(**params):
        row = ContinueWatching.model_validate_json(get(path, **params).content)
        return [card.content_id for card in row.entries]

    assert ids() == ids(order="recent") == ["begun", "nearly", "old"]
    assert ids(order="resume") == ["nearly", "begun", "old"]
    assert ids(order="resume", limit=1) == ["nearly"]
    cards = get(path, order="resume").json()["entries"]
    probabilities = [card["resume_probability"] for card in cards]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < probabilities[-1] < 0.1 < probabilities[0] < 1
    refused = problem(get(path, order="magic"), 400, "invalid-content")
    assert refused["detail"] == "order: expected recent or resume"
