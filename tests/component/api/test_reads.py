import pytest

from domain.watch.reports import fingerprint
from infra.postgres.slates import ServedSlate
from infra.postgres.viewers import Viewer
from schemas.api import ContinueWatching, History, Recommendations, recommendations_of
from schemas.codec import encode
from schemas.content import Availability
from schemas.slate import Slate, SlateEntry
from schemas.times import to_rfc3339
from schemas.trending import TrendingEntry, TrendingPartial
from tests.component.api.fakes import NOW_MS, a_content, a_state, ids
from tests.component.api.test_webhooks import problem

USER = "/api/v1/users/user-1"
KNOWN = fingerprint("event-1").hex()


def an_entry(content_id):
    return SlateEntry(
        content_id=content_id, score=0.5, recommendation_type="collaborative", based_on=("film-0",),
        explanation="Because", generated_at_ms=1, ttl_s=60, model_version="m",
    )  # fmt: skip


def a_slate(*content_ids, offset=7, interaction_offset=7, removed_ids=()):
    slate = Slate(
        user_id="user-1", entries=tuple(an_entry(name) for name in content_ids),
        as_of_ms=NOW_MS - 500, source_offset=offset, generated_at_ms=NOW_MS, model_version="m",
    )  # fmt: skip
    body = encode(recommendations_of(slate))
    return ServedSlate(body, offset, removed_ids, interaction_offset, (KNOWN,), slate.as_of_ms)


def test_the_stored_body_is_sent_as_it_is(world, get):
    world.database.slates["user-1"] = slate = a_slate("film-1", "film-2")
    response = get(f"{USER}/recommendations")
    assert response.content == slate.body
    Recommendations.model_validate_json(response.content)
    assert response.json()["as_of"] == "2026-01-01T20:39:59.500Z"
    assert response.json()["cold_start"] is False


@pytest.mark.parametrize(
    ("event", "offset", "interaction_offset", "included"),
    [
        ("event-1", 7, 7, True),
        ("event-1", 8, 7, True),
        ("event-1", 6, 7, False),
        ("event-2", 7, 7, False),
        ("event-1", -1, -1, True),
    ],
)
def test_after_event_says_whether_the_slate_knows_it(
    world, get, event, offset, interaction_offset, included
):
    world.database.slates["user-1"] = a_slate(
        "film-1", offset=offset, interaction_offset=interaction_offset
    )
    body = get(f"{USER}/recommendations", after_event=event).json()
    assert body["after_event"] == {"event_id": event, "included": included}


def test_removed_contents_leave_the_slate_when_it_is_read(world, get):
    world.database.slates["user-1"] = a_slate("film-1", "film-2", "film-3", removed_ids=("film-2",))
    response = get(f"{USER}/recommendations", after_event="event-1")
    assert ids(response) == ["film-1", "film-3"]
    assert response.json()["after_event"]["included"] is True


@pytest.mark.parametrize(
    "slate", [a_slate(), a_slate("film-1", removed_ids=("film-1",))], ids=["empty", "all removed"]
)
def test_a_slate_with_nothing_to_show_is_answered_like_a_new_user(world, get, slate):
    world.database.slates["user-1"] = slate
    body = get("/api/v1/users/user-1/recommendations").json()
    assert body["cold_start"] is True
    assert body["model_version"] == "trending"


def test_limit_and_region_narrow_the_slate(world, get):
    world.database.slates["user-1"] = a_slate("film-1", "film-2", "film-3")
    world.database.add_content(
        a_content("film-1", availability=(Availability(partner="acme", region="US"),))
    )
    assert ids(get(f"{USER}/recommendations", limit=1)) == ["film-1"]
    assert ids(get(f"{USER}/recommendations", region="DE")) == ["film-2", "film-3"]
    assert ids(get(f"{USER}/recommendations", region="US")) == ["film-1", "film-2", "film-3"]


def test_availability_is_exact_to_the_moment(world, get):
    window = Availability(partner="acme", from_at_ms=NOW_MS, until_at_ms=NOW_MS + 60_000)
    world.database.add_content(a_content("film-1", availability=(window,)))
    world.database.slates["user-1"] = a_slate("film-1")
    seen = []
    for shift_ms in (-1, 0, 59_999, 60_000):
        world.now_ms = NOW_MS + shift_ms
        seen.append(ids(get(f"{USER}/recommendations", region="DE")))
    assert seen == [[], ["film-1"], ["film-1"], []]


def trending(world, *scores, region="ZZ"):
    entries = tuple(
        TrendingEntry(content_id=name, region=region, score=score, viewers=3)
        for name, score in scores
    )
    world.database.partials.append(
        TrendingPartial(
            shard=str(len(world.database.partials)), as_of_ms=NOW_MS - 1000, half_life_ms=3600_000,
            entries=entries,
        )
    )  # fmt: skip


def test_an_unknown_user_gets_what_is_trending_marked_as_such(world, get):
    for name in ("film-1", "film-2"):
        world.database.add_content(a_content(name))
    trending(world, ("film-1", 1.0), ("film-2", 2.0), ("unknown", 9.0))
    response = get("/api/v1/users/nobody/recommendations")
    assert ids(response) == ["film-2", "film-1"]
    body = response.json()
    assert body["cold_start"] is True
    assert body["as_of"]
    assert {entry["recommendation_type"] for entry in body["entries"]} == {"trending"}
    Recommendations.model_validate_json(response.content)


def test_an_unknown_user_of_an_empty_system_gets_an_empty_answer(get):
    for path in ("recommendations", "continue-watching", "history"):
        response = get(f"/api/v1/users/nobody/{path}", after_event="event-1")
        assert ids(response) == []
        assert response.json()["as_of"]
        assert response.json()["after_event"] == {"event_id": "event-1", "included": False}


def test_trending_adds_shards_up_and_filters_by_region_and_genre(world, get):
    world.database.add_content(a_content("film-1", genres=("Drama",)))
    world.database.add_content(a_content("film-2", genres=("Comedy",)))
    trending(world, ("film-1", 1.0), ("film-2", 2.0), region="DE")
    trending(world, ("film-1", 3.0), region="US")
    assert ids(get("/api/v1/trending")) == ["film-1", "film-2"]
    assert ids(get("/api/v1/trending", region="DE")) == ["film-2", "film-1"]
    assert ids(get("/api/v1/trending", genre="Comedy")) == ["film-2"]
    assert ids(get("/api/v1/trending", limit=1)) == ["film-1"]


def test_trending_is_read_once_a_second_and_outlives_the_database(world, get):
    world.database.add_content(a_content("film-1"))
    trending(world, ("film-1", 1.0))
    assert ids(get("/api/v1/trending")) == ["film-1"]
    calls = world.database.calls
    assert ids(get("/api/v1/trending")) == ["film-1"]
    assert world.database.calls == calls
    world.later(2)
    world.database.away = True
    assert ids(get("/api/v1/trending")) == ["film-1"]  # the key and the list are cached
    world.later(3600)
    problem(get("/api/v1/trending"), 503, "unavailable")


def test_history_comes_in_pages_without_gaps_or_repetitions(world, get):
    for number in range(7):
        world.database.add_state(a_state(f"film-{number}", updated_at_ms=NOW_MS + number // 2))
        world.database.add_content(a_content(f"film-{number}"))
    world.database.viewers["user-1"] = Viewer("user-1", 7, 7, (KNOWN,), NOW_MS)
    seen, cursor = [], None
    while True:
        params = {"limit": 3, "after_event": "event-1"} | ({"cursor": cursor} if cursor else {})
        response = get(f"{USER}/history", **params)
        page = History.model_validate_json(response.content)
        seen += [entry.content_id for entry in page.entries]
        assert page.entries[0].title == f"Title of {page.entries[0].content_id}"
        assert page.after_event.included
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"film-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize("cursor", ["x", "!!!!", "a" * 500, "YWJj", "OTk5fMO8", "", "fHw="])
def test_a_foreign_cursor_is_400(get, cursor):
    problem(get(f"{USER}/history", cursor=cursor), 400, "invalid-content")


def test_continue_watching_resumes_films_and_offers_the_next_episode(world, get):
    world.database.add_content(a_content("film-1"))
    world.database.add_content(a_content("series-1", type="series"))
    for number in (1, 2):
        world.database.add_content(
            a_content(
                f"episode-{number}", type="episode", series_id="series-1", season_number=1,
                episode_number=number,
            )
        )  # fmt: skip
    world.database.add_state(a_state("film-1", updated_at_ms=NOW_MS - 5000))
    world.database.add_state(
        a_state("episode-1", completed=True, completions=1, resumable=False, progress=1.0)
    )
    world.database.viewers["user-1"] = Viewer("user-1", 7, 7, (KNOWN,), NOW_MS)
    response = get(f"{USER}/continue-watching", after_event="event-1")
    row = ContinueWatching.model_validate_json(response.content)
    assert [(card.content_id, card.kind) for card in row.entries] == [
        ("episode-2", "next"), ("film-1", "resume"),
    ]  # fmt: skip
    assert row.entries[0].series_title == "Title of series-1"
    assert row.entries[1].position_s == 600
    assert row.after_event.included


def test_continue_watching_leaves_removed_titles_out_and_keeps_unknown_ones(world, get):
    for name in ("removed", "unknown", "known"):
        world.database.add_state(a_state(name))
    world.database.add_content(a_content("known"))
    world.database.removed.add("removed")
    assert ids(get(f"{USER}/continue-watching", limit=2)) == ["known", "unknown"]
    assert "removed" in ids(get(f"{USER}/history"))


def test_a_series_that_was_hidden_stays_so_when_it_is_removed(world, get):
    world.database.removed.add("series-1")
    for number in (1, 2):
        world.database.add_content(
            a_content(
                f"episode-{number}", type="episode", series_id="series-1", season_number=1,
                episode_number=number,
            )
        )  # fmt: skip
    world.database.add_state(a_state("episode-1"))
    world.database.add_state(a_state("series-1", hidden=True))
    assert ids(get(f"{USER}/continue-watching")) == []


def test_the_answer_for_a_user_who_only_seeked_is_as_of_now(world, get):
    world.database.viewers["user-1"] = Viewer("user-1", 7, -1, (KNOWN,), 0)
    world.database.slates["user-1"] = ServedSlate(None, -1, (), -1, (KNOWN,), 0)
    for path in ("continue-watching", "history", "recommendations"):
        assert get(f"{USER}/{path}").json()["as_of"] == to_rfc3339(world.now_ms)


def test_history_lists_what_was_started_or_decided_about(world, get):
    seek = {"started_at_ms": None, "resumable": False, "position_s": 0, "progress": 0}
    for number in range(40):
        world.database.add_state(a_state(f"seek-{number}", **seek))
    decisions = ({"dismissed": True}, {"hidden": True}, {"rating": 4.0})
    for number, decision in enumerate(decisions):
        world.database.add_state(a_state(f"a-{number}", **seek, **decision))
    world.database.add_state(a_state("film-1", updated_at_ms=NOW_MS))
    first = get(f"{USER}/history", limit=2)
    assert ids(first) == ["film-1", "a-2"]
    second = get(f"{USER}/history", limit=2, cursor=first.json()["next_cursor"])
    assert ids(second) == ["a-1", "a-0"]
    assert "next_cursor" not in second.json()


def test_content_is_served_in_its_canonical_bytes(world, get):
    content = a_content("film-1", genres=("Drama",))
    world.database.add_content(content)
    assert get("/api/v1/content/film-1").content == encode(content)
    problem(get("/api/v1/content/film-2"), 404, "not-found")


def test_a_key_bound_to_a_user_reads_no_other(world, client):
    headers = {"Authorization": f"Bearer {world.database.add_key(user_id='user-2')}"}
    for path in ("recommendations", "continue-watching", "history"):
        problem(client.get(f"{USER}/{path}", headers=headers), 403, "forbidden")
        assert client.get(f"/api/v1/users/user-2/{path}", headers=headers).status_code == 200


def test_postgres_away_is_503_without_a_trace(world, client, app_headers):
    world.database.away = True
    for path in ("recommendations", "continue-watching", "history"):
        response = client.get(f"{USER}/{path}", headers=app_headers)
        assert "secret" not in response.text
        problem(response, 503, "unavailable")
        assert int(response.headers["retry-after"]) >= 1


def test_a_defect_of_ours_is_500_without_a_trace(world, client, app_headers):
    world.database.defect = True
    response = client.get(f"{USER}/recommendations", headers=app_headers)
    document = problem(response, 500, "internal-error")
    assert "secret" not in response.text
    assert document["instance"].endswith(response.headers["x-request-id"])


def test_alive_ready_metrics(world, client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json()["status"] == "ready"
    world.producer.away = True
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["kafka"] is False
    assert client.get("/healthz").status_code == 200
    text = client.get("/metrics").text
    assert 'mg_api_requests_total{method="GET",route="/healthz",status="200"}' in text


def test_other_paths_and_methods_are_problems_and_never_redirects(client):
    problem(client.get("/nowhere"), 404, "not-found")
    problem(client.get("/healthz/"), 404, "not-found")
    response = client.delete("/api/v1/progress")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
