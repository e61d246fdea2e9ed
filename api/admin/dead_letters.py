"""Dead letters of all partners and topics, as operators work with them."""

import base64
import re
from typing import Any, get_args

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.admin.texts import BODY_BYTES_MAX, moment
from api.cursors import format_cursor, read_cursor
from api.identity.operators import actor_of
from api.operators.bodies import read_model
from api.parsing import Query
from api.problems import INVALID, NOT_FOUND, ProblemError
from api.responses import json_response, with_member
from api.services import services_of
from domain.dead_letters import unpack_headers
from infra.postgres.dead_letters import STATES, DeadLetter, LetterCursor, LetterFilter, WholeLetter
from schemas.admin_api import (
    AdminDeadLetter,
    AdminDeadLetters,
    DiscardRequest,
    DiscardResult,
    LetterReason,
    RecordHeader,
    RedriveRefused,
    RedriveRequest,
    RedriveResult,
    WholeDeadLetter,
)
from schemas.codec import encode
from schemas.ids import PARTNER_PATTERN
from schemas.times import to_rfc3339
from topics.catalog import CATALOG

PAGE_DEFAULT, PAGE_MAX = 50, 200
TOPICS = tuple(topic.name for topic in CATALOG if topic.dead_letter)
REASONS: tuple[str, ...] = get_args(LetterReason)
TOPIC, REASON, STATE = (
    re.compile("|".join(map(re.escape, words))) for words in (TOPICS, REASONS, STATES)
)
LETTER_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
POSITION = re.compile(r"([0-9]{1,15})\|([0-9]{1,18})", re.ASCII)


async def get_dead_letters(request: Request) -> Response:
    """Answer with one page, the newest failure first, that the query lets through."""
    query = Query(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    wanted = LetterFilter(
        topic=query.text("topic", TOPIC, "a topic that has dead letters"),
        partner=query.text("partner", PARTNER_PATTERN, "the name of a partner"),
        reason=query.text("reason", REASON, f"one of {', '.join(REASONS)}"),
        since_ms=query.time("since"),
        until_ms=query.time("until"),
        state=query.text("state", STATE, f"one of {', '.join(STATES)}"),
    )
    match = read_cursor(query, POSITION)
    after = None if match is None else LetterCursor(int(match.group(1)), int(match.group(2)))
    found = await services_of(request).dead_letters.fetch_page(wanted, limit + 1, after)
    page = found[:limit]
    answer = AdminDeadLetters(
        dead_letters=tuple(AdminDeadLetter(**fields_of(each)) for each in page),
        next_cursor=format_cursor(page[-1].failed_at_ms, page[-1].letter_id)
        if len(found) > limit
        else None,
    )
    return json_response(encode(answer))


async def get_dead_letter(request: Request) -> Response:
    """Answer with one dead letter: headers, key, payload."""
    text = request.path_params["dead_letter_id"]
    if not LETTER_ID.fullmatch(text):
        raise ProblemError(INVALID, "dead_letter_id: expected a number")
    found = await services_of(request).dead_letters.find(int(text))
    if found is None:
        raise ProblemError(NOT_FOUND, "no dead letter has this id, or it is kept no longer")
    return json_response(body_of(found))


async def post_redrive(request: Request) -> Response:
    """Send letters to their topics again; answered when Kafka has them."""
    body = await read_model(request, RedriveRequest, BODY_BYTES_MAX)
    ids = tuple(dict.fromkeys(body.ids))
    outcome = await services_of(request).redrives.redrive(
        actor_of(request), ids, mapper=body.mapper
    )
    redriven = tuple(sorted(letter.letter_id for letter in outcome.redriven))
    refused = tuple(
        RedriveRefused(dead_letter_id=letter.letter_id, why=why) for letter, why in outcome.refused
    )
    done = {*redriven, *(each.dead_letter_id for each in refused)}
    answer = RedriveResult(
        redriven=redriven, refused=refused, not_open=tuple(each for each in ids if each not in done)
    )
    return json_response(encode(answer))


async def post_discard(request: Request) -> Response:
    """Say of letters that nobody will redrive them."""
    body = await read_model(request, DiscardRequest, BODY_BYTES_MAX)
    services, ids = services_of(request), tuple(dict.fromkeys(body.ids))
    done = await services.dead_letters.discard(
        actor_of(request), ids, at_ms=services.clock_ms(), note=body.reason.strip()
    )
    left = tuple(each for each in ids if each not in set(done))
    return json_response(encode(DiscardResult(discarded=tuple(sorted(done)), not_open=left)))


def fields_of(letter: DeadLetter) -> dict[str, Any]:
    """Return the fields of a letter as they are shown in a list."""
    return {
        "dead_letter_id": letter.letter_id,
        "topic": letter.source_topic,
        "partition": letter.source_partition,
        "offset": letter.source_offset,
        "agent": letter.agent,
        "reason": letter.reason,
        "detail": letter.detail,
        "failed_at": to_rfc3339(letter.failed_at_ms),
        "attempts": letter.attempts,
        "partner": letter.partner,
        "user_id": letter.user_id,
        "event_id": letter.event_id,
        "webhook_id": letter.webhook_id,
        "first_dead_letter_id": letter.first_id,
        "state": letter.state,
        "changed_at": moment(letter.changed_at_ms),
        "changed_by": letter.changed_by,
        "note": letter.note,
    }


def body_of(found: WholeLetter) -> bytes:
    """Return the JSON of a whole letter; a payload that is JSON is in it as it was written."""
    payload = found.value if found.value is not None and is_json(found.value) else None
    key, key_base64 = text_or_base64(found.key)
    shown = WholeDeadLetter(
        **fields_of(found.letter),
        headers=tuple(header(*each) for each in unpack_headers(found.headers)),
        key=key,
        key_base64=key_base64,
        payload_base64=encoded(found.value) if payload is None else None,
    )
    body = encode(shown)
    # Numbers beyond 2^53, repeated names: what was sent is shown, not what a parser makes of it.
    return body if payload is None else with_member(body, "payload", orjson.Fragment(payload))


def is_json(value: bytes) -> bool:
    """Whether the bytes are a JSON text."""
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def header(name: str, value: bytes | None) -> RecordHeader:
    """Return a header as it is shown."""
    text, base64_text = text_or_base64(value)
    return RecordHeader(name=name, value=text, value_base64=base64_text)


def text_or_base64(value: bytes | None) -> tuple[str | None, str | None]:
    """Return bytes as text and None, or as None and base64; None is neither, NUL is no text."""
    if value is None:
        return None, None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None, encoded(value)
    return (None, encoded(value)) if "\0" in text else (text, None)


def encoded(value: bytes | None) -> str | None:
    """Return bytes in base64."""
    return None if value is None else base64.b64encode(value).decode()
