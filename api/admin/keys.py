"""API keys as operators administer them. A key is in one answer: that of the call that made it."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.admin.texts import BODY_BYTES_MAX, moment
from api.cursors import format_cursor, read_cursor
from api.identity.operators import actor_of
from api.operators.bodies import read_model
from api.parsing import Query
from api.problems import INVALID, NOT_FOUND, ProblemError
from api.responses import json_response
from api.services import services_of
from infra.postgres.api_keys import ApiKey, KeyCursor, NoSuchPartner
from infra.security.keys import ScopesDoNotFit, create_key, granted_scopes
from schemas.admin_api import AdminKey, AdminKeys, KeyCreate, KeyWithText
from schemas.codec import encode
from schemas.times import to_rfc3339

PAGE_DEFAULT, PAGE_MAX = 50, 200
KEY_ID = re.compile(r"[a-z0-9]{1,16}", re.ASCII)
POSITION = re.compile(r"([0-9]{1,15})\|([a-z0-9]{1,16})", re.ASCII)


async def get_keys(request: Request) -> Response:
    """Answer with one page of keys, newest first, also those that are revoked or have ended."""
    query = Query(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    match = read_cursor(query, POSITION)
    after = None if match is None else KeyCursor(int(match.group(1)), match.group(2))
    services = services_of(request)
    found = await services.keys.page(limit + 1, after)
    page, now_ms = found[:limit], services.clock_ms()
    answer = AdminKeys(
        keys=tuple(AdminKey(**fields_of(each, now_ms)) for each in page),
        next_cursor=format_cursor(page[-1].created_at_ms, page[-1].key_id)
        if len(found) > limit
        else None,
    )
    return json_response(encode(answer))


async def post_key(request: Request) -> Response:
    """Create a key; it is in this answer and in no other."""
    body = await read_model(request, KeyCreate, BODY_BYTES_MAX)
    try:
        scopes = granted_scopes(body.scopes, user=body.user_id, partner=body.partner)
    except ScopesDoNotFit as error:
        raise ProblemError(INVALID, str(error)) from None
    services, new = services_of(request), create_key()
    now_ms, lifetime_s = services.clock_ms(), body.expires_in_s
    stored = ApiKey(
        key_id=new.key_id,
        key_sha256=new.sha256,
        name=body.name,
        scopes=scopes,
        user_id=body.user_id,
        created_at_ms=now_ms,
        partner=body.partner,
        tier=body.tier,
        expires_at_ms=None if lifetime_s is None else now_ms + lifetime_s * 1000,
    )
    try:
        await services.keys.create(actor_of(request), stored)
    except NoSuchPartner:
        raise ProblemError(INVALID, "partner: no partner has this name") from None
    return json_response(encode(KeyWithText(**fields_of(stored, now_ms), key=new.text)), 201)


async def post_revocation(request: Request) -> Response:
    """Revoke a key; the API stops taking it within seconds."""
    key_id: str = request.path_params["key_id"]
    services = services_of(request)
    now_ms = services.clock_ms()
    known = KEY_ID.fullmatch(key_id) is not None
    if not known or not await services.keys.revoke(actor_of(request), key_id, now_ms):
        raise ProblemError(NOT_FOUND, "no key that is not revoked has this id")
    found = await services.keys.find(key_id)
    assert found is not None, "keys are never removed while their partner is there"
    return json_response(encode(AdminKey(**fields_of(found, now_ms))))


def fields_of(key: ApiKey, now_ms: int) -> dict[str, Any]:
    """Return the fields of a key as they are shown."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": key.scopes,
        "user_id": key.user_id,
        "partner": key.partner,
        "tier": key.tier,
        "state": state_of(key, now_ms),
        "created_at": to_rfc3339(key.created_at_ms),
        "expires_at": moment(key.expires_at_ms),
        "revoked_at": moment(key.revoked_at_ms),
        "last_used_at": moment(key.last_used_at_ms),
    }


def state_of(key: ApiKey, now_ms: int) -> str:
    """Return what a key is worth now."""
    if key.revoked_at_ms is not None:
        return "revoked"
    return "live" if key.is_live(now_ms) else "ended"
