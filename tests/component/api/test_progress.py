import pytest

from schemas.progress import PROGRESS_BATCH_MAX
from tests.component.api.fakes import FakeWorld, a_content
from tests.component.api.test_webhooks import problem
from topics.catalog import PROGRESS

URL = "/api/v1/progress"


def a_report(**changes):
    fields = {
        "event_id": "event-1", "user_id": "user-1", "content_id": "film-1",
        "session_id": "session-1", "device_id": "tv", "state": "playing", "position_s": 61.5,
        "duration_s": 6000, "occurred_at": "2026-01-01T20:15:00.250+01:00",
    }  # fmt: skip
    found = {**fields, **changes}
    return {name: value for name, value in found.items() if value is not None}


def test_one_report_is_one_event(world, client, app_headers):
    response = client.post(URL, json=a_report(), headers=app_headers)
    assert response.status_code == 202
    assert response.json() == {"results": [{"event_id": "event-1", "status": "accepted"}]}
    [(topic, event)] = world.producer.sent
    assert topic == PROGRESS.name
    assert event.occurred_at_ms == 1767294900250
    assert event.accepted_at_ms == world.now_ms
    assert event.preset == "default"


def test_the_time_may_be_milliseconds_but_not_both_and_not_neither(world, client, app_headers):
    report = a_report(occurred_at=None, occurred_at_ms=1234)
    assert client.post(URL, json=report, headers=app_headers).status_code == 202
    assert world.producer.sent[0][1].occurred_at_ms == 1234
    for wrong in (a_report(occurred_at_ms=1234), a_report(occurred_at=None)):
        problem(client.post(URL, json=wrong, headers=app_headers), 400, "invalid-content")


def test_an_event_from_the_future_is_refused_and_a_little_ahead_is_not(world, client, app_headers):
    ahead = a_report(occurred_at=None, occurred_at_ms=world.now_ms + 299_000)
    far = a_report(event_id="far", occurred_at=None, occurred_at_ms=world.now_ms + 301_000)
    results = client.post(URL, json=[ahead, far], headers=app_headers).json()["results"]
    assert [item["status"] for item in results] == ["accepted", "error"]
    assert "future" in results[1]["error"]
    assert [event.event_id for _, event in world.producer.sent] == ["event-1"]


def test_a_batch_says_what_is_wrong_with_which_event(world, client, app_headers):
    batch = [
        a_report(event_id="good-1"),
        a_report(event_id="bad-1", position_s=-1),
        "nonsense",
        a_report(event_id="bad-2", state="rated"),
        a_report(event_id="good-2"),
    ]
    response = client.post(URL, json=batch, headers=app_headers)
    assert response.status_code == 202
    results = response.json()["results"]
    assert [item["status"] for item in results] == [
        "accepted",
        "error",
        "error",
        "error",
        "accepted",
    ]
    assert [item["event_id"] for item in results] == ["good-1", "bad-1", None, "bad-2", "good-2"]
    assert "position_s" in results[1]["error"]
    assert "rating" in results[3]["error"]
    assert [event.event_id for _, event in world.producer.sent] == ["good-1", "good-2"]


def test_nothing_accepted_is_400_with_the_reasons(world, client, app_headers):
    response = client.post(URL, json=[a_report(rating=9), {}], headers=app_headers)
    document = problem(response, 400, "invalid-content")
    assert len(document["errors"]) == 2
    assert not world.producer.sent


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "a|b"}, {"event_id": ""}, {"event_id": "x" * 65}, {"position_s": "61"},
        {"position_s": True}, {"state": "sleeping"}, {"region": "de"}, {"client_app": "x" * 65},
        {"client_app": "\0"}, {"occurred_at": "yesterday"}, {"occurred_at": "1969-12-31T23:59:59Z"},
        {"occurred_at": "2026-W01-1T00:00:00Z"}, {"playback_rate": 0}, {"user_id": 5},
        {"position_s": 1e300}, {"content_id": "ü"},
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(world, client, app_headers, changes):
    problem(client.post(URL, json=a_report(**changes), headers=app_headers), 400, "invalid-content")
    assert not world.producer.sent


def test_a_batch_has_at_most_500_and_at_least_one(world, client, app_headers):
    batch = [a_report(event_id=f"event-{n}") for n in range(PROGRESS_BATCH_MAX)]
    assert client.post(URL, json=batch, headers=app_headers).status_code == 202
    problem(client.post(URL, json=[*batch, a_report()], headers=app_headers), 413, "too-large")
    problem(client.post(URL, json=[], headers=app_headers), 400, "invalid-content")


def test_a_version_counts_for_its_title_and_a_partner_or_type_chooses_the_preset():
    from api.app import create_app
    from tests.support.described import DescribedClient

    world = FakeWorld(preset_by_type="episode=androidtv,movie=kodi", preset_by_partner="acme=trakt")
    world.database.add_content(a_content("film-1", version_of="film-0"))
    world.database.add_content(a_content("film-2", partner_ids={"acme": "A-2"}))
    world.database.add_content(a_content("episode-1", type="episode"))
    headers = {"Authorization": f"Bearer {world.database.add_key()}"}
    batch = [a_report(content_id=name) for name in ("film-1", "film-2", "episode-1", "unknown")]
    with DescribedClient(create_app(world.settings, world.open_services)) as client:
        assert client.post(URL, json=batch, headers=headers).status_code == 202
    events = [event for _, event in world.producer.sent]
    assert [event.content_id for event in events] == ["film-0", "film-2", "episode-1", "unknown"]
    assert [event.preset for event in events] == ["kodi", "trakt", "androidtv-episode", "default"]


def test_a_key_bound_to_a_user_cannot_speak_for_another(world, client):
    headers = {"Authorization": f"Bearer {world.database.add_key(user_id='user-1')}"}
    assert client.post(URL, json=a_report(), headers=headers).status_code == 202
    batch = [a_report(), a_report(user_id="user-2")]
    problem(client.post(URL, json=batch, headers=headers), 403, "forbidden")
    assert len(world.producer.sent) == 1


def test_kafka_away_is_503_with_retry_after(world, client, app_headers):
    world.producer.away = True
    response = client.post(URL, json=a_report(), headers=app_headers)
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer mg_live_" + "a" * 40, "Bearer \xff"],
)
def test_without_a_live_key_it_is_401(client, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    response = client.post(URL, json=a_report(), headers=headers)
    problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_stops_working_within_seconds(world, client):
    text = world.database.add_key()
    headers = {"Authorization": f"Bearer {text}"}
    assert client.post(URL, json=a_report(), headers=headers).status_code == 202
    [key_id] = world.database.keys
    world.database.keys[key_id] = world.database.keys[key_id]._replace(revoked_at_ms=1)
    world.later(5)
    problem(client.post(URL, json=a_report(), headers=headers), 401, "unauthenticated")


def test_a_key_needs_the_scope(world, client):
    headers = {"Authorization": f"Bearer {world.database.add_key(scopes=('catalogue:read',))}"}
    problem(client.post(URL, json=a_report(), headers=headers), 403, "forbidden")
