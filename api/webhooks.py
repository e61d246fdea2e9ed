"""POST /api/v1/webhooks/{partner}: a partner's signed delivery -> one record in Kafka.

The order of the checks is a promise: size, type, headers, partner, timestamp and signature over the
raw bytes, JSON and schema, dedupe, produce. Nothing is parsed before the signature is known to be
good. The event id follows from partner and webhook id, so whatever is repeated, by the sender or by
us, is the same event.
"""

import datetime
import hashlib

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.future import IN_THE_FUTURE, is_in_the_future
from api.parsing import JsonLimits, parse_json, read_body, require_json_type
from api.problems import ProblemError
from api.responses import json_response
from api.services import Services, services_of
from infra import metrics
from infra.postgres.partners import Partner
from infra.postgres.webhook_deliveries import Delivery, KnownDelivery
from infra.security.webhooks import Verdict, WebhookHeaders, check_headers, verify
from schemas.api import WebhookAccepted
from schemas.codec import describe, encode
from schemas.times import from_rfc3339
from schemas.webhook import WEBHOOK_BYTES_MAX, WebhookEnvelope, WebhookReceived
from topics.catalog import WEBHOOKS

LIMITS = JsonLimits(array_max=1000)
# Compared with when the partner is unknown: the answer then takes as long as for a known one.
NO_SECRET = (b"\0" * 32,)


async def receive_webhook(request: Request) -> Response:
    """Take one delivery; 202 only when Kafka has it."""
    services = services_of(request)
    try:
        event_id, outcome = await take(request, services)
    except ProblemError as error:
        metrics.API_WEBHOOKS.labels(error.kind.slug).inc()
        raise
    metrics.API_WEBHOOKS.labels(outcome).inc()
    return json_response(encode(WebhookAccepted(event_id=event_id)), status=202)


async def take(request: Request, services: Services) -> tuple[str, str]:
    """Return the event id and whether the delivery was accepted or is a repetition."""
    require_json_type(request)
    body = await read_body(request, WEBHOOK_BYTES_MAX)
    headers = headers_of(request)
    partner = await authenticated(request, services, headers, body)
    webhook_id = headers.webhook_id or ""
    event_id = event_id_of(partner.partner, webhook_id)
    digest = hashlib.sha256(body).digest()
    try:
        event = read_event(body, partner, webhook_id, services.clock_ms())
    except ProblemError:
        # A body that is no use does not take the id, but an id that was taken stays taken.
        check_known(await services.deliveries.find(partner.partner, webhook_id), digest)
        raise
    received_at = datetime.datetime.fromtimestamp(event.received_at_ms / 1000, datetime.UTC)
    delivery = Delivery(partner.partner, webhook_id, digest, event_id, received_at)
    known = await services.deliveries.reserve(delivery)
    check_known(known, digest)
    if known.accepted:
        return event_id, "repeated"
    await services.producer.send(WEBHOOKS, event)
    await services.deliveries.accept(partner.partner, webhook_id)
    return event_id, "accepted"


def headers_of(request: Request) -> WebhookHeaders:
    """Return the three headers; one that is given twice counts as malformed."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if any(len(request.headers.getlist(name)) > 1 for name in names):
        raise ProblemError(problems.MALFORMED, "a webhook header is given twice")
    return WebhookHeaders(*(request.headers.get(name) for name in names))


async def authenticated(
    request: Request, services: Services, headers: WebhookHeaders, body: bytes
) -> Partner:
    """Return the partner whose signature is on the body."""
    now_s = services.clock_ms() / 1000
    if check_headers(headers, now_s) is Verdict.MALFORMED_HEADERS:
        raise ProblemError(
            problems.MALFORMED, "webhook-id or webhook-timestamp: missing, or of another form"
        )
    partner = await find_partner(services, request.path_params["partner"])
    verdict = verify(headers, body, partner.secrets if partner else NO_SECRET, now_s)
    if partner is None or not partner.enabled:
        raise ProblemError(problems.NOT_FOUND, "no such partner")
    if verdict is not Verdict.VALID:
        raise ProblemError(problems.BAD_SIGNATURE)
    return partner


async def find_partner(services: Services, name: str) -> Partner | None:
    """Return a partner, at most a few seconds old."""
    if len(name) > 40 or not name.isascii() or "\0" in name:
        return None
    return await services.partner_cache.get_or_load(name, lambda: services.partners.find(name))


def event_id_of(partner: str, webhook_id: str) -> str:
    """Return the id of the event that this delivery is, however often it comes.

    >>> event_id_of("acme", "msg_1") == event_id_of("acme", "msg_1")
    True
    """
    return "wh-" + hashlib.sha256(f"{partner}|{webhook_id}".encode()).hexdigest()[:40]


def check_known(known: KnownDelivery | None, digest: bytes) -> None:
    """Refuse an id that stands for other bytes."""
    if known is not None and known.body_sha256 != digest:
        raise ProblemError(problems.CONFLICT, "this webhook-id was used for another body")


def read_event(body: bytes, partner: Partner, webhook_id: str, now_ms: int) -> WebhookReceived:
    """Return the record of a verified body.

    Raises:
        ProblemError: 400, the body is not an envelope, or one from the future.
    """
    document = parse_json(body, LIMITS)
    try:
        envelope = WebhookEnvelope.model_validate(document, strict=True)
        return WebhookReceived(
            event_id=event_id_of(partner.partner, webhook_id),
            partner=partner.partner,
            mapper=partner.mapper,
            webhook_id=webhook_id,
            event_type=envelope.event_type,
            platform=envelope.platform,
            occurred_at_ms=occurred_at_ms(envelope, now_ms),
            received_at_ms=now_ms,
            payload=envelope.payload,
        )
    except ValidationError as error:
        raise ProblemError(problems.INVALID, describe(error)) from None
    except ValueError as error:
        raise ProblemError(problems.INVALID, f"timestamp: {error}") from None


def occurred_at_ms(envelope: WebhookEnvelope, now_ms: int) -> int:
    """Return when the event happened, Unix milliseconds.

    Raises:
        ValueError: the timestamp is not a moment, or one in the future.
    """
    at_ms = from_rfc3339(envelope.timestamp)
    if is_in_the_future(at_ms, now_ms):
        raise ValueError(IN_THE_FUTURE)
    return at_ms
