"""What is posted, how it is signed, and what is done with every kind of answer."""

import base64
from itertools import chain

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from cli.demo.catalogues import Title, webhook_bodies
from cli.demo.http_client import HttpClient
from cli.demo.posting import (
    LANES,
    WEBHOOKS_IN_FLIGHT,
    Partner,
    PostingError,
    batches,
    post_progress,
    post_webhooks,
    run_bounded,
)
from infra.security.webhooks import parse_secret
from schemas.codec import decode
from schemas.progress import PROGRESS_BATCH_MAX
from schemas.webhook import WebhookEnvelope

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PARTNER = Partner("acme", parse_secret(SECRET))
TITLES = [Title(f"film-{n}", {"imdbID": f"tt{n:07d}", "Title": f"Film {n}"}) for n in range(150)]


def bodies():
    return webhook_bodies(TITLES, platform="acme", occurred_at_ms=1_760_000_000_123)


def nothing(count: int) -> None:
    pass


def progress(count: int, users: int = 7) -> list[dict]:
    return [{"event_id": f"e{n}", "user_id": f"u{n % users}"} for n in range(count)]


def accept_all(request):
    if request.path.startswith("/api/v1/webhooks/"):
        return 202, {}, {"event_id": "x"}
    events = orjson.loads(request.body)
    results = [{"event_id": event["event_id"], "status": "accepted"} for event in events]
    return 202, {}, {"results": results}


async def test_every_title_is_posted_once_and_signed_as_the_standard_says(gateway):
    gateway.answer = accept_all
    counted = []
    async with HttpClient(gateway.url) as client:
        tally = await post_webhooks(client, PARTNER, bodies(), counted.append)
    assert (tally.accepted, tally.refused, sum(counted)) == (150, 0, 150)
    assert sorted(r.headers["webhook-id"] for r in gateway.requests) == sorted(
        title.webhook_id for title in TITLES
    )
    for request in gateway.requests:
        assert request.path == "/api/v1/webhooks/acme"
        Webhook(SECRET).verify(request.body, request.headers)
        envelope = decode(WebhookEnvelope, request.body)
        assert envelope.timestamp == "2025-10-09T08:53:20.123Z"
        assert envelope.payload["imdbID"] == f"tt{int(request.headers['webhook-id'][5:]):07d}"
    assert 1 < gateway.in_flight_max <= WEBHOOKS_IN_FLIGHT


def test_the_same_catalogue_gives_the_same_bytes():
    assert list(bodies()) == list(bodies())


async def test_a_busy_gateway_is_asked_again_when_it_said(gateway):
    busy = iter([429, 503, 503])

    def answer(request):
        status = next(busy, None)
        return (status, {"Retry-After": "0"}, {}) if status else accept_all(request)

    gateway.answer = answer
    async with HttpClient(gateway.url) as client:
        tally = await post_webhooks(client, PARTNER, bodies(), nothing)
    assert (tally.accepted, tally.repeated, len(gateway.requests)) == (150, 3, 153)


async def test_a_gateway_that_asks_for_too_much_patience_ends_the_posting(gateway):
    gateway.answer = lambda request: (503, {"Retry-After": "3600"}, {"detail": "no Kafka"})
    async with HttpClient(gateway.url) as client:
        with pytest.raises(PostingError, match="no Kafka"):
            await post_webhooks(client, PARTNER, bodies(), nothing)


async def test_refusals_are_counted_and_the_first_reasons_are_kept(gateway):
    gateway.answer = lambda request: (401, {}, {"title": "bad signature"})
    async with HttpClient(gateway.url) as client:
        tally = await post_webhooks(client, PARTNER, bodies(), nothing)
    assert (tally.accepted, tally.refused, len(tally.reasons)) == (0, 150, 5)
    assert "401" in tally.reasons[0]
    assert "bad signature" in tally.reasons[0]


async def test_events_of_a_user_arrive_in_order_in_batches_within_the_limit(gateway):
    gateway.answer = accept_all
    events = progress(9_001)
    async with HttpClient(gateway.url) as client:
        tally = await post_progress(client, "mg_live_x", events, nothing)
    assert (tally.accepted, tally.refused) == (9_001, 0)
    arrived = [orjson.loads(request.body) for request in gateway.requests]
    assert max(len(batch) for batch in arrived) <= PROGRESS_BATCH_MAX
    assert {r.headers["authorization"] for r in gateway.requests} == {"Bearer mg_live_x"}
    for user in {event["user_id"] for event in events}:
        own = [event for event in chain(*arrived) if event["user_id"] == user]
        assert own == [event for event in events if event["user_id"] == user]


async def test_a_refused_event_in_an_accepted_batch_is_seen(gateway):
    def answer(request):
        status, headers, body = accept_all(request)
        body["results"][0] |= {"status": "error", "error": "unknown state"}
        return status, headers, body

    gateway.answer = answer
    async with HttpClient(gateway.url) as client:
        tally = await post_progress(client, "mg_live_x", progress(10, users=1), nothing)
    assert (tally.accepted, tally.refused) == (9, 1)
    assert "unknown state" in tally.reasons[0]


def test_rounds_of_batches_follow_the_timeline():
    events = progress(LANES * PROGRESS_BATCH_MAX + 1)
    rounds = [[event for batch in round_ for event in batch] for round_ in batches(events)]
    assert sum(map(len, rounds)) == len(events)
    assert rounds[-1] == [events[-1]]


async def test_the_first_error_stops_the_other_lanes():
    async def work(job: int) -> None:
        raise PostingError(f"job {job}")

    with pytest.raises(PostingError, match="job 0"):
        await run_bounded(range(100), work, in_flight=3)
