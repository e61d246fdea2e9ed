"""Which signatures count is the partner's setting; headers that decide are given once."""

import orjson
import pytest

from infra.security.webhook_keys import Scheme, create_secret
from infra.security.webhooks import sign, sign_body
from tests.component.api.fakes import a_partner
from tests.component.api.test_webhooks import envelope, problem
from tests.support.signing import PUBLIC_KEY, sign_v1a

SECRET = create_secret()
BODY = orjson.dumps(envelope())
URL = "/api/v1/webhooks/acme"


@pytest.fixture
def post(world, client):
    """Post a body with the given signature headers, in exactly this order and number."""

    def send(*headers, body=BODY, webhook_id="msg_1"):
        given = [("content-type", "application/json"), ("webhook-id", webhook_id), *headers]
        return client.post(URL, content=body, headers=given)

    return send


def allow(world, *schemes, **changes):
    world.database.partners["acme"] = a_partner(
        SECRET, schemes=schemes, public_keys=(PUBLIC_KEY,), **changes
    )


def signed(scheme, world, body=BODY, webhook_id="msg_1"):
    at_s = world.now_ms // 1000
    if scheme is Scheme.SHA256:
        return [("x-webhook-signature", sign_body(SECRET, body))]
    make = {
        Scheme.V1: lambda: sign(SECRET, webhook_id, at_s, body),
        Scheme.V1A: lambda: sign_v1a(webhook_id, at_s, body),
    }[scheme]
    return [("webhook-timestamp", str(at_s)), ("webhook-signature", make())]


@pytest.mark.parametrize("scheme", Scheme)
def test_every_scheme_works_where_it_is_allowed_and_nowhere_else(world, post, scheme):
    allow(world, scheme)
    assert post(*signed(scheme, world)).status_code == 202
    world.later(10)
    allow(world, *(other for other in Scheme if other is not scheme))
    problem(post(*signed(scheme, world), webhook_id="msg_2"), 401, "bad-signature")
    assert len(world.producer.sent) == 1


def test_several_schemes_may_be_allowed(world, post):
    allow(world, *Scheme)
    for number, scheme in enumerate(Scheme):
        webhook_id = f"msg_{number}"
        headers = signed(scheme, world, webhook_id=webhook_id)
        assert post(*headers, webhook_id=webhook_id).status_code == 202


def test_the_older_scheme_is_idempotent_by_its_id(world, post):
    allow(world, Scheme.SHA256)
    first = post(*signed(Scheme.SHA256, world))
    world.later(6 * 24 * 3600)
    again = post(*signed(Scheme.SHA256, world))
    assert (again.status_code, again.json()) == (202, first.json())
    other = orjson.dumps(envelope(platform="other"))
    problem(post(*signed(Scheme.SHA256, world, other), body=other), 409, "conflicting-delivery")
    assert len(world.producer.sent) == 1


def test_header_names_are_the_same_in_any_case(world, client):
    allow(world, Scheme.V1)
    headers = [("Content-Type", "application/json"), ("WEBHOOK-Id", "msg_1")]
    headers += [(name.title(), value) for name, value in signed(Scheme.V1, world)]
    assert client.post(URL, content=BODY, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "name",
    ["webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature", "webhook-new",
     "content-type", "content-length", "authorization", "content-encoding"],
)  # fmt: skip
def test_a_header_that_decides_is_given_once(world, post, name):
    allow(world, Scheme.V1)
    given = {
        "webhook-id": "msg_1", "content-type": "application/json",
        "content-length": str(len(BODY)), **dict(signed(Scheme.V1, world)),
    }  # fmt: skip
    value = given.get(name, "x")
    already = name in given and name != "content-length"
    twice = [(name, value)] if already else [(name, value), (name, value)]
    document = problem(post(*signed(Scheme.V1, world), *twice), 400, "malformed-request")
    assert "webhook-new" not in document["detail"]  # a stranger's own words, kept for the partner
    assert not world.producer.sent


@pytest.mark.parametrize("path", ["/api/v1/trending", "/api/v1/users/user-1/history"])
def test_two_authorizations_are_refused_everywhere(client, app_headers, path):
    authorization = app_headers["Authorization"]
    twice = [("authorization", authorization), ("authorization", "Bearer x")]
    problem(client.get(path, headers=twice), 400, "malformed-request")
    assert client.get(path, headers=twice[:1]).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        b'{"event_type":"content_added","event_type":"content_removed","platform":"p",'
        b'"timestamp":"2026-01-01T00:00:00Z","payload":{}}',
        b'{"event_type":"content_added","platform":"p","timestamp":"2026-01-01T00:00:00Z",'
        b'"payload":{"a":[{"id":"1","\\u0069d":"2"}]}}',
    ],
)
def test_a_key_that_is_given_twice_is_400(world, post, text):
    allow(world, Scheme.V1)
    document = problem(post(*signed(Scheme.V1, world, text), body=text), 400, "malformed-request")
    assert document["detail"] == "an object of the body has the same key twice"
    assert not world.producer.sent


def test_a_partner_has_a_limit_of_its_own(world, post):
    allow(world, Scheme.V1, body_bytes_max=len(BODY))
    assert post(*signed(Scheme.V1, world)).status_code == 202
    larger = BODY + b" "
    headers = signed(Scheme.V1, world, larger, "msg_2")
    document = problem(post(*headers, body=larger, webhook_id="msg_2"), 413, "too-large")
    assert str(len(BODY)) in document["detail"]
    wrong = [("webhook-timestamp", "1"), ("webhook-signature", "v1," + "A" * 43 + "=")]
    problem(post(*wrong, body=larger), 401, "bad-signature")  # the limit is between us


def test_keys_that_cannot_be_opened_are_no_internal_error(world, post):
    allow(world, Scheme.V1)
    world.database.unsealable.add("acme")
    document = problem(post(*signed(Scheme.V1, world)), 503, "unavailable")
    assert "SECRETS_KEY" not in str(document)
    world.database.unsealable.clear()
    assert post(*signed(Scheme.V1, world)).status_code == 202


def test_an_equal_delivery_waits_for_the_one_that_is_being_produced(world, post):
    allow(world, Scheme.V1)
    world.producer.away = True
    problem(post(*signed(Scheme.V1, world)), 503, "unavailable")
    [seen] = world.database.deliveries.values()
    assert not seen.claimed  # given back: the next try need not wait
    seen.claimed = True  # as if another process were about to produce it
    world.producer.away = False
    world.clock_step_s = 1.0
    problem(post(*signed(Scheme.V1, world)), 503, "unavailable")
    assert not world.producer.sent
    seen.accepted = True
    assert post(*signed(Scheme.V1, world)).status_code == 202
    assert not world.producer.sent
