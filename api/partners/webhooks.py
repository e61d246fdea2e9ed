"""POST /api/v1/webhooks/{partner}: a partner's signed delivery -> one record in Kafka.

The order of the checks is a promise: limits of the address, type, size, headers, partner,
signature and timestamp over the raw bytes, the partner's own limits, JSON and schema, dedupe,
produce. Nothing is parsed before the signature is known to be good. The event id follows from
partner and webhook id, so whatever is repeated, by the sender or by us, is the same event.
"""

import asyncio
import datetime
import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api.future import IN_THE_FUTURE, is_in_the_future
from api.limits.deliveries import count_unsigned, count_verified
from api.parsing import JsonLimits, parse_json, read_body, require_json_type
from api.partners import reasons
from api.partners.headers import given_of, headers_of
from api.partners.reasons import Refused, reason_of
from api.partners.refusal_log import Noted
from api.partners.unique_keys import has_repeated_key
from api.problems import ProblemError, unavailable
from api.responses import json_response
from api.services import Services, services_of
from infra import metrics
from infra.kafka.producer import KafkaUnavailable
from infra.postgres.partners import Partner
from infra.postgres.pool import UNAVAILABLE
from infra.postgres.webhook_deliveries import Delivery, KnownDelivery
from infra.security.sealing import SealingError
from infra.security.webhook_keys import Keyring, Scheme
from infra.security.webhooks import TOLERANCE_S, Given, Verdict, judge
from schemas.api import WebhookAccepted
from schemas.codec import check, describe, encode
from schemas.ids import PARTNER_PATTERN
from schemas.times import from_rfc3339
from schemas.webhook import WEBHOOK_BYTES_MAX, WebhookEnvelope, WebhookReceived
from topics.catalog import WEBHOOKS

log = logging.getLogger(__name__)

LIMITS = JsonLimits(array_max=1000)
# Compared with when the partner is unknown: the answer then takes as long as for a known one.
NO_KEYS = Keyring(frozenset(Scheme), (b"\0" * 32,))
WAIT_S = 5.0  # for an equal delivery that is being produced: as long as that may take
POLL_S = 0.05
KNOWN_S = 3600.0  # a partner that was in the cache so lately exists
OUTCOMES = {each: metrics.API_WEBHOOKS.labels(each) for each in ("accepted", "repeated")}
REASON_OF_VERDICT = {
    Verdict.SCHEME_NOT_ALLOWED: reasons.SCHEME_NOT_ALLOWED,
    Verdict.BAD_SIGNATURE: reasons.BAD_SIGNATURE,
}
SIGNED = {Verdict.VALID, Verdict.STALE}


@dataclass(slots=True)
class Attempt:
    """What is known of a delivery so far; ``webhook_id`` once its signature was found good."""

    partner: Partner | None = None
    webhook_id: str | None = None


async def receive_webhook(request: Request) -> Response:
    """Take one delivery; 202 only when Kafka has it."""
    services = services_of(request)
    attempt = Attempt()
    try:
        event_id, outcome = await take(request, services, attempt)
    except (ProblemError, KafkaUnavailable) as error:
        note(request, services, attempt, error)
        raise
    OUTCOMES[outcome].inc()
    return json_response(encode(WebhookAccepted(event_id=event_id)), status=202)


async def take(request: Request, services: Services, attempt: Attempt) -> tuple[str, str]:
    """Return the event id and whether the delivery was accepted or is a repetition."""
    try:
        given, body = await read_delivery(request)
        partner = await authenticated(request, services, attempt, given, body)
    except ProblemError:
        await count_unsigned(request)
        raise
    webhook_id = given.webhook_id
    await count_verified(request, partner)
    if len(body) > partner.limits.body_bytes:
        detail = f"your bodies may have {partner.limits.body_bytes} bytes"
        raise Refused(reasons.OVER_YOUR_LIMIT, detail)
    digest = hashlib.sha256(body).digest()
    now_ms = services.clock_ms()
    try:
        event = read_event(body, partner, webhook_id, now_ms)
    except ProblemError:
        # A body that is no use does not take the id, but an id that was taken stays taken.
        now = moment(now_ms)
        check_known(await services.deliveries.find(partner.partner, webhook_id, now), digest)
        raise
    if (await reserved(services, event, digest)).accepted:
        return event.event_id, "repeated"
    await produce(services, event)
    return event.event_id, "accepted"


async def read_delivery(request: Request) -> tuple[Given, bytes]:
    """Return what the headers say, and the body, of what may be a delivery."""
    require_json_type(request)
    body = await read_body(request, WEBHOOK_BYTES_MAX)
    return given_of(headers_of(request)), body


async def authenticated(
    request: Request, services: Services, attempt: Attempt, given: Given, body: bytes
) -> Partner:
    """Return the partner whose signature is on the body."""
    partner = attempt.partner = await find_partner(services, request.path_params["partner"])
    now_s = services.clock_ms() / 1000
    verdict = judge(given, body, partner.keyring if partner else NO_KEYS, now_s)
    if partner is not None and verdict in SIGNED:
        attempt.webhook_id = given.webhook_id
    if partner is None or not partner.enabled:  # one answer for both
        raise Refused(reasons.DISABLED if partner else reasons.UNKNOWN_PARTNER, "no such partner")
    if verdict is Verdict.STALE:  # only who could sign learns that the time is the cause
        raise Refused(reasons.STALE_TIMESTAMP, stale_detail(now_s - int(given.timestamp)))
    if verdict is not Verdict.VALID:
        raise Refused(REASON_OF_VERDICT[verdict])
    return partner


def stale_detail(lag_s: float) -> str:
    """Return how far off the timestamp of a rightly signed delivery is.

    >>> stale_detail(400.2)
    "webhook-timestamp: 400 s behind the gateway's clock, at most 300 s are allowed"
    """
    side = "behind" if lag_s > 0 else "ahead of"
    clock = f"{abs(lag_s):.0f} s {side} the gateway's clock"
    return f"webhook-timestamp: {clock}, at most {TOLERANCE_S} s are allowed"


async def find_partner(services: Services, name: str) -> Partner | None:
    """Return a partner, at most a few seconds old.

    Raises:
        ProblemError: 503, its keys cannot be opened: the fault of whoever runs the gateway.
    """
    if not PARTNER_PATTERN.fullmatch(name):
        return None
    try:
        return await services.partner_cache.get_or_load(name, lambda: services.partners.find(name))
    except SealingError as error:
        log.error("partner %s: %s", name, error)
        raise unavailable("the keys of this partner, and so this endpoint") from None


def event_id_of(partner: str, webhook_id: str) -> str:
    """Return the id of the event that this delivery is, however often it comes.

    >>> event_id_of("acme", "msg_1") == event_id_of("acme", "msg_1")
    True
    """
    return "wh-" + hashlib.sha256(f"{partner}|{webhook_id}".encode()).hexdigest()[:40]


def check_known(known: KnownDelivery | None, digest: bytes) -> None:
    """Refuse an id that stands for other bytes."""
    if known is not None and known.body_sha256 != digest:
        raise Refused(reasons.CONFLICT, "this webhook-id was used for another body")


def read_event(body: bytes, partner: Partner, webhook_id: str, now_ms: int) -> WebhookReceived:
    """Return the record of a verified body.

    Raises:
        ProblemError: 400, the body is not an envelope, or one from the future.
    """
    document = parse_json(body, LIMITS)
    if has_repeated_key(body, document):
        raise Refused(reasons.DUPLICATE_KEYS, "an object of the body has the same key twice")
    try:
        envelope = check(WebhookEnvelope, document)
        occurred_at_ms = from_rfc3339(envelope.timestamp)
        if is_in_the_future(occurred_at_ms, now_ms):
            raise Refused(reasons.IN_THE_FUTURE, f"timestamp: {IN_THE_FUTURE}")
        return WebhookReceived(
            event_id=event_id_of(partner.partner, webhook_id),
            partner=partner.partner,
            mapper=partner.mapper,
            webhook_id=webhook_id,
            event_type=envelope.event_type,
            platform=envelope.platform,
            occurred_at_ms=occurred_at_ms,
            received_at_ms=now_ms,
            payload=envelope.payload,
        )
    except ValidationError as error:
        raise Refused(reasons.BAD_ENVELOPE, describe(error)) from None
    except ValueError as error:
        raise Refused(reasons.BAD_ENVELOPE, f"timestamp: {error}") from None


async def reserved(services: Services, event: WebhookReceived, digest: bytes) -> KnownDelivery:
    """Return what is known of the delivery: it is accepted, or it is on us to produce it.

    Raises:
        ProblemError: 409, the id stands for other bytes; 503, an equal one is on its way.
    """
    known: KnownDelivery | None = await services.deliveries.reserve(
        Delivery(
            event.partner, event.webhook_id, digest, event.event_id, event.event_type,
            moment(event.occurred_at_ms), moment(event.received_at_ms),
        )
    )  # fmt: skip
    until_s = services.monotonic_s() + WAIT_S
    while known is not None:
        check_known(known, digest)
        if known.accepted or known.claimed:
            return known
        if services.monotonic_s() > until_s:
            break
        await asyncio.sleep(POLL_S)
        known = await services.deliveries.claim(event.partner, event.webhook_id)
    raise unavailable("the first try of this delivery is still on its way, and its result")


async def produce(services: Services, event: WebhookReceived) -> None:
    """Produce the event and see to it that it is recorded that Kafka has it.

    Raises:
        KafkaUnavailable: Kafka may or may not have it; the next try need not wait for this one.
    """
    try:
        await services.producer.send(WEBHOOKS, event)
    except KafkaUnavailable:
        with suppress(*UNAVAILABLE):
            await services.deliveries.release(event.partner, event.webhook_id)
        raise
    services.deliveries.accept(event.partner, event.webhook_id)
    lag_s = (event.received_at_ms - event.occurred_at_ms) / 1000
    metrics.API_WEBHOOK_LAG.labels(services.partner_labels.of(event.partner)).observe(lag_s)


def note(request: Request, services: Services, attempt: Attempt, error: Exception) -> None:
    """Count a refusal, and remember it for the partner's own view. Waits for nothing."""
    reason = reason_of(error, signed=attempt.webhook_id is not None)
    metrics.API_WEBHOOKS.labels(reason.kind.slug).inc()
    name = request.path_params["partner"]
    known = attempt.partner or (services.partner_cache.get_stale(name, KNOWN_S) or (None,))[0]
    label = services.partner_labels.of(known.partner if known else None)
    metrics.API_WEBHOOK_REFUSALS.labels(label, reason.slug).inc()
    if reason is reasons.UNKNOWN_PARTNER or not PARTNER_PATTERN.fullmatch(name):
        return
    detail = error.detail if isinstance(error, ProblemError) else ""
    listed = attempt.webhook_id if reason is not reasons.NOT_STORED else None
    services.refusal_log.note(Noted(name, known is not None, reason.slug, detail or "", listed))


def moment(at_ms: int) -> datetime.datetime:
    """Return a time as Postgres takes it."""
    return datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
