"""GET /api/v1/partners/me/dead-letters: webhooks of the caller that could not be processed."""

import re

from starlette.requests import Request
from starlette.responses import Response

from api.cursors import format_cursor, read_cursor
from api.identity.principal import principal_of
from api.parsing import Query
from api.responses import json_response
from api.services import services_of
from domain.dead_letters import payload_of
from infra.postgres.dead_letters import DISCARDED, LetterCursor, WholeLetter
from schemas.codec import encode
from schemas.dead_letter import PartnerDeadLetter, PartnerDeadLetters

# A webhook may have 256 KiB: a page has at most 5 MiB.
PAGE_DEFAULT, PAGE_MAX = 10, 20
POSITION = re.compile(r"([0-9]{1,15})\|([0-9]{1,18})", re.ASCII)
# What an agent says of its own failures is for operators: it names code, not the partner's fields.
OUR_FAILURE = "step"
OUR_FAILURE_DETAIL = (
    "the gateway failed on this webhook: nothing is wrong with it that it knows of; an operator "
    "will send it through again, there is no need to send it again"
)
OUR_FAILURE_DISCARDED = (
    "the gateway failed on this webhook, and an operator decided not to send it through again: if "
    "the change still holds, send it under a new webhook-id"
)


async def get_dead_letters(request: Request) -> Response:
    """Answer with one page, the newest failure first."""
    partner = principal_of(request).partner
    assert partner is not None, "the endpoint is open to partners alone"
    query = Query(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    match = read_cursor(query, POSITION)
    after = None if match is None else LetterCursor(int(match.group(1)), int(match.group(2)))
    store = services_of(request).dead_letters
    found = await store.fetch_of_partner(partner, limit + 1, after)
    page = found[:limit]
    answer = PartnerDeadLetters(
        partner=partner,
        entries=tuple(entry_of(whole) for whole in page),
        next_cursor=format_cursor(page[-1].letter.failed_at_ms, page[-1].letter.letter_id)
        if len(found) > limit
        else None,
    )
    return json_response(encode(answer))


def entry_of(whole: WholeLetter) -> PartnerDeadLetter:
    """Return what the partner may know of a letter: not who changed it, nor why."""
    letter = whole.letter
    return PartnerDeadLetter(
        dead_letter_id=letter.letter_id,
        event_id=letter.event_id,
        webhook_id=letter.webhook_id,
        reason=letter.reason,
        detail=detail_of(letter.reason, letter.detail, letter.state),
        attempts=letter.attempts,
        failed_at_ms=letter.failed_at_ms,
        state=letter.state,
        changed_at_ms=letter.changed_at_ms,
        payload=payload_of(whole.value),
    )


def detail_of(reason: str, detail: str, state: str) -> str:
    """Return what a partner is told of a failure."""
    if reason != OUR_FAILURE:
        return detail
    return OUR_FAILURE_DISCARDED if state == DISCARDED else OUR_FAILURE_DETAIL
