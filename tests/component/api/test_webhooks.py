import orjson
import pytest

from infra.security.webhook_keys import create_secret
from infra.security.webhooks import sign
from schemas.times import to_rfc3339
from schemas.webhook import WEBHOOK_BYTES_MAX
from tests.component.api.fakes import a_partner
from topics.catalog import WEBHOOKS

SECRET = create_secret()
URL = "/api/v1/webhooks/acme"


def envelope(**changes):
    fields = {
        "event_type": "content_added", "platform": "acme-tv", "timestamp": "2026-01-01T00:00:00Z",
        "payload": {"id": "A-1", "title": "Metropolis"},
    }  # fmt: skip
    return {**fields, **changes}


@pytest.fixture
def post(world, client):
    world.database.partners["acme"] = a_partner(SECRET)

    def send(body=None, webhook_id="msg_1", secret=SECRET, url=URL, shift_s=0, **headers):
        content = (
            orjson.dumps(envelope() if body is None else body)
            if not isinstance(body, bytes)
            else body
        )
        at_s = world.now_ms // 1000 + shift_s
        signed = {
            "content-type": "application/json", "webhook-id": webhook_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(secret, webhook_id, at_s, content),
        }  # fmt: skip
        given = {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}}
        present = {name: value for name, value in given.items() if value is not None}
        return client.post(url, content=content, headers=present)

    return send


def problem(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == f"urn:media-gateway:problem:{slug}"
    assert document["status"] == status
    return document


def test_a_signed_webhook_is_one_record(world, post):
    response = post()
    assert response.status_code == 202
    [(topic, event)] = world.producer.sent
    assert topic == WEBHOOKS.name
    assert response.json() == {"event_id": event.event_id}
    assert event.mapper == "generic"
    assert event.payload == envelope()["payload"]
    assert event.occurred_at_ms == 1767225600000
    assert event.received_at_ms == world.now_ms


def test_a_repeated_delivery_has_the_same_answer_and_no_second_effect(world, post):
    first = post()
    world.later(3 * 24 * 3600)  # a retry days later: new timestamp, same id
    again = post()
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(world.producer.sent) == 1


def test_the_same_id_with_other_bytes_is_a_conflict(world, post):
    post()
    problem(post(envelope(platform="other")), 409, "conflicting-delivery")
    problem(post(b"not json"), 409, "conflicting-delivery")
    assert len(world.producer.sent) == 1


def test_a_body_that_was_refused_does_not_take_the_id(world, post):
    problem(post(envelope(event_type="nonsense")), 400, "invalid-content")
    assert post().status_code == 202


def test_a_lost_acknowledgement_is_repeated_with_the_same_event_id(world, post):
    world.producer.lost_answers = 1
    response = post()
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert post().status_code == 202
    ids = {event.event_id for _, event in world.producer.sent}
    assert len(world.producer.sent) == 2
    assert len(ids) == 1  # consumers apply it once


def test_kafka_away_is_503_and_nothing_is_promised(world, post):
    world.producer.away = True
    document = problem(post(), 503, "unavailable")
    assert "secret" not in str(document)
    world.producer.away = False
    assert post().status_code == 202


def test_postgres_away_is_503(world, post):
    world.database.away = True
    assert "secret" not in str(problem(post(), 503, "unavailable"))


@pytest.mark.parametrize("webhook_id", [None, "", "a.b", "a" * 65, "-a", "_x"])
def test_a_missing_or_malformed_id_is_400(post, world, webhook_id):
    document = problem(post(**{"webhook-id": webhook_id}), 400, "malformed-request")
    what = "missing" if webhook_id is None else "malformed"
    form = "1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit"
    assert document["detail"] == f"webhook-id: the header is {what}; send {form}"
    assert not world.producer.sent


@pytest.mark.parametrize("signature", [None, "garbage", "v1,a,b", "  ", "v1,!!!!"])
def test_a_missing_or_unreadable_signature_is_401(post, world, signature):
    document = problem(post(webhook_signature=signature), 401, "bad-signature")
    what = "missing" if signature is None else "malformed"
    start = f"webhook-signature: the header is {what}; send v1,<base64 of 32 bytes> or v1a,"
    assert document["detail"].startswith(start)
    assert not world.producer.sent


@pytest.mark.parametrize("timestamp", [None, "1e9", "yesterday"])
def test_a_missing_or_unreadable_timestamp_is_401(post, world, timestamp):
    document = problem(post(webhook_timestamp=timestamp), 401, "bad-signature")
    what = "missing" if timestamp is None else "malformed"
    form = "Unix seconds of this try, 1 to 12 digits"
    assert document["detail"] == f"webhook-timestamp: the header is {what}; send {form}"
    assert not world.producer.sent


def test_who_signs_nothing_is_told_that_first(post):
    problem(post(**{"webhook-id": None}, webhook_signature=None), 401, "bad-signature")


def test_a_wrong_signature_or_an_old_timestamp_is_401(world, post):
    problem(post(secret=create_secret()), 401, "bad-signature")
    problem(post(shift_s=-301), 401, "bad-signature")
    problem(post(shift_s=301), 401, "bad-signature")
    assert not world.producer.sent
    assert not world.database.deliveries


def test_the_old_and_the_new_secret_work_during_a_rotation(world, post):
    new = create_secret()
    world.database.partners["acme"] = a_partner(SECRET, secrets=(new, SECRET))
    assert post(webhook_id="a").status_code == 202
    assert post(webhook_id="b", secret=new).status_code == 202
    world.database.partners["acme"] = a_partner(SECRET, secrets=(new,))
    world.later(10)  # beyond the cache
    problem(post(webhook_id="c"), 401, "bad-signature")


def test_a_secret_ends_when_its_partner_was_told_and_not_when_the_cache_does(world, post):
    new, until_ms = create_secret(), world.now_ms + 1000
    world.database.partners["acme"] = a_partner(
        SECRET, secrets=(new, SECRET), ends=((SECRET, until_ms),)
    )
    assert post(webhook_id="a").status_code == 202
    world.now_ms = until_ms - 1
    assert post(webhook_id="b").status_code == 202
    world.now_ms = until_ms  # the partner is still in the cache
    problem(post(webhook_id="c"), 401, "bad-signature")
    assert post(webhook_id="d", secret=new).status_code == 202


def test_an_unknown_or_disabled_partner_is_404(world, post):
    problem(post(url="/api/v1/webhooks/nobody"), 404, "not-found")
    problem(post(url="/api/v1/webhooks/" + "a" * 300), 404, "not-found")
    problem(post(url="/api/v1/webhooks/%00"), 404, "not-found")
    world.database.partners["off"] = a_partner(SECRET, partner="off", enabled=False)
    problem(post(url="/api/v1/webhooks/off"), 404, "not-found")


def test_too_large_is_413_declared_or_streamed(world, client, post):
    problem(post(b"x" * (WEBHOOK_BYTES_MAX + 1)), 413, "too-large")

    def endless():
        for _ in range(100):
            yield b"x" * 65536

    response = client.post(URL, content=endless(), headers={"content-type": "application/json"})
    problem(response, 413, "too-large")


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/jsonx", "application/x-www-form-urlencoded"]
)
def test_another_type_is_415(post, kind):
    problem(post(content_type=kind), 415, "unsupported-media-type")


def test_a_compressed_body_is_415(post):
    problem(post(content_encoding="gzip"), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"", "malformed-request"),
        (b"{", "malformed-request"),
        (b'{"a":NaN}', "malformed-request"),
        (b'"\xff"', "malformed-request"),
        (b'"\\ud800"', "malformed-request"),
        (b"[" * 100 + b"]" * 100, "invalid-content"),
        (b"[" * 5000 + b"]" * 5000, "malformed-request"),
        (b"[]", "invalid-content"),
        (orjson.dumps(envelope(payload={"a\0": 1})), "invalid-content"),
        (orjson.dumps(envelope(payload={"a": "\0"})), "invalid-content"),
        (orjson.dumps(envelope(payload={"a": 2**60})), "invalid-content"),
        (orjson.dumps(envelope(payload={"a": "x" * 20000})), "invalid-content"),
        (orjson.dumps(envelope(payload={str(n): n for n in range(300)})), "invalid-content"),
        (orjson.dumps(envelope(timestamp="2026-01-01 00:00:00")), "invalid-content"),
        (orjson.dumps(envelope(timestamp="2026-02-30T00:00:00Z")), "invalid-content"),
        (orjson.dumps(envelope(payload=[])), "invalid-content"),
    ],
)
def test_a_signed_body_that_is_no_envelope_is_400(world, post, body, slug):
    problem(post(body), 400, slug)
    assert not world.producer.sent


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ([], "body: expected an object"),
        (envelope(payload=[]), "payload: expected an object"),
        (envelope(timestamp="2026-01-01T00:00:00"),
         "timestamp: expected RFC 3339 with a zone, e.g. 2026-01-31T08:00:00Z"),
        (envelope(timestamp=""),
         "timestamp: expected RFC 3339 with a zone, e.g. 2026-01-31T08:00:00Z"),
        (envelope(timestamp="2026-02-30T00:00:00Z"), "timestamp: no such date or time"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_envelope_is_said_in_words_of_json(post, body, detail):
    assert problem(post(orjson.dumps(body)), 400, "invalid-content")["detail"] == detail


@pytest.mark.parametrize(("ahead_s", "status"), [(300, 202), (301, 400)])
def test_an_event_more_than_five_minutes_ahead_is_400(world, post, ahead_s, status):
    moment = to_rfc3339(world.now_ms + ahead_s * 1000)
    response = post(envelope(timestamp=moment))
    assert response.status_code == status
    if status == 400:
        assert "5 minutes in the future" in problem(response, 400, "invalid-content")["detail"]
    assert len(world.producer.sent) == (status == 202)


def test_only_post_is_allowed(client):
    response = client.get(URL)
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
