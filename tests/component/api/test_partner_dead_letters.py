"""A partner reads its own dead letters and nobody else's."""

import base64

import pytest

from api.partners.dead_letters import OUR_FAILURE_DETAIL
from infra.security.keys import CATALOGUE_READ
from schemas.codec import encode
from schemas.dead_letter import PartnerDeadLetters
from schemas.webhook import WebhookReceived
from tests.component.api.fakes import NOW_MS, a_letter
from tests.component.api.test_webhooks import problem

URL = "/api/v1/partners/me/dead-letters"
PAYLOAD = {"id": "A-1", "title": None, "overview": "Über \u202e uns", "big": 2**70}


def a_webhook(partner="acme", payload=PAYLOAD):
    return encode(
        WebhookReceived(
            event_id="e-1", partner=partner, mapper="generic", webhook_id="msg_1",
            event_type="content_added", platform="p", occurred_at_ms=1, received_at_ms=2,
            payload=payload,
        )
    )  # fmt: skip


@pytest.fixture
def get_as(world, client):
    def get(caller, **params):
        key = world.database.add_key(partner=caller)
        return client.get(URL, params=params, headers={"Authorization": f"Bearer {key}"})

    return get


def ids_of(response):
    assert response.status_code == 200, response.text
    PartnerDeadLetters.model_validate_json(response.content)
    return [each["dead_letter_id"] for each in response.json()["entries"]]


def test_a_letter_has_reason_detail_ids_state_and_the_payload_as_posted(world, get_as):
    world.database.dead_letters = [a_letter(7, a_webhook())]
    response = get_as("acme")
    assert response.json() == {
        "partner": "acme",
        "entries": [
            {
                "dead_letter_id": 7, "event_id": "e-7", "webhook_id": "msg_7", "reason": "rule",
                "detail": "title: expected a text", "attempts": 1, "failed_at_ms": NOW_MS + 7,
                "state": "open", "payload": PAYLOAD,
            }
        ],
    }  # fmt: skip
    assert response.headers["cache-control"] == "no-store"


def test_who_changed_it_and_why_stays_with_the_operators(world, get_as):
    change = {"state": "discarded", "changed_at_ms": 5, "changed_by": "cli:secret-operator",
              "note": "secret-note", "user_id": "secret-user"}  # fmt: skip
    world.database.dead_letters = [a_letter(**change)]
    response = get_as("acme")
    [entry] = response.json()["entries"]
    assert (entry["state"], entry["changed_at_ms"]) == ("discarded", 5)
    assert "secret" not in response.text


def test_the_gateways_own_failure_shows_no_code(world, get_as):
    world.database.dead_letters = [a_letter(reason="step", detail="KeyError at secret.py:1")]
    response = get_as("acme")
    assert response.json()["entries"][0]["detail"] == OUR_FAILURE_DETAIL
    assert "secret" not in response.text


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"[]", b'{"payload": 1}', b"[" * 5000])
def test_a_value_that_cannot_be_read_has_no_payload(world, get_as, value):
    world.database.dead_letters = [a_letter(3, value)]
    response = get_as("acme")
    assert ids_of(response) == [3]
    assert "payload" not in response.json()["entries"][0]


def test_nobody_sees_another_partners_letters(world, get_as):
    world.database.dead_letters = [
        a_letter(1), a_letter(2, partner="globex"), a_letter(3, partner=None), a_letter(4),
    ]  # fmt: skip
    assert ids_of(get_as("acme")) == [4, 1]
    assert ids_of(get_as("globex")) == [2]
    # A cursor is a place, not a right: with another partner's one still sees one's own.
    cursor = base64.urlsafe_b64encode(f"{NOW_MS + 4}|4".encode()).decode()
    assert ids_of(get_as("globex", cursor=cursor)) == [2]
    assert ids_of(get_as("globex", partner="acme")) == [2]


def test_pages_hold_every_letter_once_also_at_one_time(world, get_as):
    world.database.dead_letters = [a_letter(number, failed_at_ms=NOW_MS) for number in range(1, 8)]
    seen, cursor = [], None
    for _ in range(4):
        response = get_as("acme", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += ids_of(response)
        cursor = response.json().get("next_cursor")
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert cursor is None


@pytest.mark.parametrize(
    "params",
    [{"limit": "0"}, {"limit": "21"}, {"limit": "x"}, {"cursor": "!"}, {"cursor": "AAAA"},
     {"cursor": "_w=="}, {"cursor": base64.urlsafe_b64encode(b"1|" + b"9" * 19).decode()},
     {"cursor": "A"}],
)  # fmt: skip
def test_wrong_pages_are_refused(get_as, params):
    problem(get_as("acme", **params), 400, "invalid-content")


def test_apps_users_and_partners_without_the_scope_are_refused(world, client):
    for fields in ({}, {"user_id": "user-1"}, {"partner": "acme", "scopes": (CATALOGUE_READ,)}):
        key = world.database.add_key(**fields)
        response = client.get(URL, headers={"Authorization": f"Bearer {key}"})
        problem(response, 403, "forbidden")
    problem(client.get(URL), 401, "unauthenticated")


def test_without_the_database_it_says_try_again(world, get_as):
    get_as("acme")  # the key is known
    world.database.away = True
    problem(get_as("acme"), 503, "unavailable")
