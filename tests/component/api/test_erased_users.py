"""Events of erased users: the older ones are refused, in every process within seconds."""

import base64

import pytest

from api.privacy.erased import OVERLAP_MS, REFRESH_S
from infra.postgres.erasures import ErasureRow
from infra.security.pseudonyms import Pseudonyms
from tests.component.api.fakes import FakeWorld
from tests.component.api.test_progress import URL, a_report
from tests.component.api.test_webhooks import problem

KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def world():
    return FakeWorld(erasure_key=KEY)


def erase(world, user_id="user-1", at_ms=None, key=KEY):
    at_ms = world.now_ms if at_ms is None else at_ms
    world.database.erasures.append(ErasureRow(Pseudonyms(key).of(user_id), at_ms))


def at(world, seconds, **changes):
    return a_report(occurred_at=None, occurred_at_ms=world.now_ms + seconds * 1000, **changes)


def accepted(world):
    return [event.event_id for _, event in world.producer.sent]


def test_what_occurred_before_the_erasure_is_refused_and_the_rest_is_not(
    world, client, app_headers
):
    erase(world)
    batch = [
        at(world, -9, event_id="old"), at(world, 0, event_id="same"), at(world, 1, event_id="new"),
        at(world, -9, event_id="other", user_id="user-2"),
    ]  # fmt: skip
    response = client.post(URL, json=batch, headers=app_headers)
    assert response.status_code == 202
    results = response.json()["results"]
    assert [each["status"] for each in results] == ["error", "error", "accepted", "accepted"]
    assert "erased" in results[0]["error"]
    assert accepted(world) == ["new", "other"]
    problem(client.post(URL, json=batch[0], headers=app_headers), 400, "invalid-content")


@pytest.mark.parametrize("key", [KEY, ""])
def test_an_erasure_is_known_within_seconds(world, client, app_headers, key):
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 202
    erase(world, key=key)
    world.later(REFRESH_S)
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 400


def test_a_later_erasure_counts_and_one_that_was_committed_late(world, client, app_headers):
    erase(world, at_ms=world.now_ms - 60_000)
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 202
    erase(world)
    erase(world, "user-2", at_ms=world.now_ms - OVERLAP_MS // 2)
    world.later(REFRESH_S)
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 400
    late = at(world, -OVERLAP_MS // 1000, user_id="user-2")
    assert client.post(URL, json=late, headers=app_headers).status_code == 400


def test_what_is_read_late_does_not_bring_back_an_earlier_erasure(world, client, app_headers):
    erase(world)
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 400
    world.database.erasures.clear()
    erase(world, at_ms=world.now_ms - 60_000)
    world.later(REFRESH_S)
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 400


def test_without_the_database_the_list_stays_as_it_is(world, client, app_headers):
    erase(world)
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 400
    world.later(REFRESH_S)
    world.database.frozen = True
    services = client.app.state.services
    assert services.erased_users.refuses("user-1", world.now_ms - 9000)
    world.database.frozen = False
    world.database.away = True
    client.portal.call(services.erased_users.refresh)
    assert services.erased_users.refuses("user-1", world.now_ms - 9000)


def test_nothing_is_computed_while_nobody_was_erased(world, client, app_headers, monkeypatch):
    monkeypatch.setattr(Pseudonyms, "all_of", lambda *_: pytest.fail("computed"))
    assert client.post(URL, json=at(world, -9), headers=app_headers).status_code == 202


def test_an_app_cannot_post_the_mark_of_an_erasure(world, client, app_headers):
    report = a_report(state="erased")
    problem(client.post(URL, json=report, headers=app_headers), 400, "invalid-content")
    assert world.producer.sent == []
