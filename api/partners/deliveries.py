"""GET /api/v1/partners/me/deliveries: what became of the calling partner's webhooks, and why."""

import datetime
import re

from starlette.requests import Request
from starlette.responses import Response

from api.cursors import format_cursor, read_cursor
from api.identity.principal import principal_of
from api.parsing import Query
from api.partners.dead_letters import OUR_FAILURE, detail_of
from api.partners.reasons import explanation_of
from api.responses import json_response
from api.services import Services, services_of
from domain.catalogue.quality import DECIMALS
from infra.postgres.dead_letters import REDRIVEN
from infra.postgres.partner_deliveries import (
    ArrivedDelivery,
    DeliveryLetter,
    DeliveryPosition,
    Lag,
    PartnerQuality,
)
from infra.postgres.webhook_deliveries import RETENTION
from infra.postgres.webhook_refusals import (
    COUNTS_DAYS,
    ListedRefusal,
    RefusalCount,
    RefusalPosition,
)
from schemas.codec import encode
from schemas.partner_api import (
    ContentsQuality,
    DeliveryDeadLetter,
    DeliveryLag,
    DeliveryState,
    MissingField,
    PartnerDeliveries,
    PartnerDelivery,
    RefusedDelivery,
    RefusedOnDay,
)
from schemas.times import to_rfc3339

PAGE_DEFAULT, PAGE_MAX = 50, 200
DELIVERY_CURSOR = re.compile(r"([0-9]{1,17})\|([A-Za-z0-9_-]{1,64})", re.ASCII)
REFUSAL_CURSOR = re.compile(r"([0-9]{1,17})\|([0-9]{1,18})", re.ASCII)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
END_OF_TIME = datetime.datetime.max.replace(tzinfo=datetime.UTC)
FIRST = DeliveryPosition(END_OF_TIME, "")
FIRST_REFUSAL = RefusalPosition(END_OF_TIME, 0)


async def get_deliveries(request: Request) -> Response:
    """Answer with one page of each list; rows of the calling partner, whatever is asked."""
    services = services_of(request)
    partner = principal_of(request).partner
    assert partner is not None  # the access of the endpoint says so
    query = Query(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    before = delivery_position(read_cursor(query, DELIVERY_CURSOR))
    refusals_before = refusal_position(read_cursor(query, REFUSAL_CURSOR, "refusals_cursor"))
    await services.refusal_log.flush()  # what this process refused until now is in the answer
    now = datetime.datetime.fromtimestamp(services.clock_ms() / 1000, datetime.UTC)
    arrived = await services.partner_deliveries.fetch(partner, now - RETENTION, limit + 1, before)
    refused = await services.refusals.fetch(partner, limit + 1, refusals_before)
    answer = PartnerDeliveries(
        partner=partner,
        as_of=text_of(now),
        deliveries=tuple(map(delivery, arrived[:limit])),
        next_cursor=delivery_cursor(arrived[limit - 1]) if len(arrived) > limit else None,
        refusals=tuple(map(refusal, refused[:limit])),
        next_refusals_cursor=refusal_cursor(refused[limit - 1]) if len(refused) > limit else None,
        refused_by_day=await by_day(services, partner, now),
        lag=lag_of(await services.partner_deliveries.fetch_lag(partner, now - RETENTION)),
        quality=quality_of(await services.partner_deliveries.fetch_quality(partner)),
    )
    return json_response(encode(answer))


async def by_day(
    services: Services, partner: str, now: datetime.datetime
) -> tuple[RefusedOnDay, ...]:
    """Return the counts of the days that are kept."""
    since = now - datetime.timedelta(days=COUNTS_DAYS)
    return tuple(map(on_day, await services.refusals.fetch_by_day(partner, since)))


def delivery(row: ArrivedDelivery) -> PartnerDelivery:
    """Return a delivery as it is shown."""
    lag_s = None
    if row.occurred_at is not None:
        lag_s = (row.received_at - row.occurred_at).total_seconds()
    return PartnerDelivery(
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        event_type=row.event_type or None,
        received_at=text_of(row.received_at),
        occurred_at=None if row.occurred_at is None else text_of(row.occurred_at),
        lag_s=lag_s,
        state=state_of(row),
        duplicates=row.repeats,
        last_duplicate_at=None if row.repeated_at is None else text_of(row.repeated_at),
        dead_letter=None if row.letter is None else dead_letter(row.letter),
    )


def state_of(row: ArrivedDelivery) -> DeliveryState:
    """Return the last that is known of a delivery; one that was sent through again is as good."""
    if row.letter is not None and row.letter.state != REDRIVEN:
        return "failed" if row.letter.reason == OUR_FAILURE else "refused"
    if not row.accepted:
        return "unconfirmed"
    return "duplicate" if row.repeats else "accepted"


def dead_letter(letter: DeliveryLetter) -> DeliveryDeadLetter:
    """Return why a delivery was refused later."""
    return DeliveryDeadLetter(
        dead_letter_id=letter.letter_id,
        reason=letter.reason,
        detail=detail_of(letter.reason, letter.detail, letter.state),
        failed_at=to_rfc3339(letter.failed_at_ms),
        state=letter.state,
    )


def refusal(row: ListedRefusal) -> RefusedDelivery:
    """Return a refusal as it is shown."""
    return RefusedDelivery(
        refused_at=text_of(row.refused_at),
        webhook_id=row.webhook_id,
        reason=row.reason,
        explanation=explanation_of(row.reason),
        detail=row.detail,
    )


def on_day(row: RefusalCount) -> RefusedOnDay:
    """Return a count as it is shown."""
    return RefusedOnDay(
        day=f"{row.hour.astimezone(datetime.UTC):%Y-%m-%d}",
        reason=row.reason,
        explanation=explanation_of(row.reason),
        refused=row.refused,
        last_at=text_of(row.last_at),
        last_detail=row.detail,
    )


def lag_of(lag: Lag | None) -> DeliveryLag | None:
    """Return the percentiles as they are shown."""
    return None if lag is None else DeliveryLag(**lag._asdict())


def quality_of(found: PartnerQuality | None) -> ContentsQuality | None:
    """Return the quality as it is shown."""
    if found is None:
        return None
    return ContentsQuality(
        contents=found.contents,
        mean=round(found.mean, DECIMALS),
        missing=tuple(MissingField(field=name, contents=many) for name, many in found.missing),
    )


def text_of(moment: datetime.datetime) -> str:
    """Return a moment as RFC 3339 UTC."""
    return to_rfc3339((moment - EPOCH) // datetime.timedelta(milliseconds=1))


def delivery_cursor(row: ArrivedDelivery) -> str:
    """Return the cursor of the page that follows ``row``."""
    return format_cursor((row.received_at - EPOCH) // MICROSECOND, row.webhook_id)


def delivery_position(match: re.Match[str] | None) -> DeliveryPosition:
    """Return where a page of deliveries starts."""
    if match is None:
        return FIRST
    return DeliveryPosition(EPOCH + int(match.group(1)) * MICROSECOND, match.group(2))


def refusal_cursor(row: ListedRefusal) -> str:
    """Return the cursor of the page that follows ``row``."""
    return format_cursor((row.refused_at - EPOCH) // MICROSECOND, row.refusal_id)


def refusal_position(match: re.Match[str] | None) -> RefusalPosition:
    """Return the refusal that a page comes after."""
    if match is None:
        return FIRST_REFUSAL
    return RefusalPosition(EPOCH + int(match.group(1)) * MICROSECOND, int(match.group(2)))
