"""Tokens for devices: an app asks for one in the name of a user; anybody may read our keys."""

import logging

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api.identity.principal import principal_of
from api.parsing import JsonLimits, parse_json, read_body, require_json_type
from api.problems import FORBIDDEN, INVALID, NOT_SET_UP, ProblemError
from api.responses import json_response
from api.services import Services, services_of
from infra.metrics import API_TOKENS_ISSUED
from infra.security import signing
from infra.security.keys import USER_SCOPES
from infra.security.sealing import SealingError
from schemas.codec import describe, encode
from schemas.tokens import TokenIssued, TokenRequest

log = logging.getLogger(__name__)

REQUEST_BYTES_MAX = 4096
LIMITS = JsonLimits(array_max=len(USER_SCOPES), string_max=64)
PUBLISHED_S = 300  # how long others may keep our public keys; a new key is announced for longer


async def post_token(request: Request) -> Response:
    """Answer with a token of one user, signed now."""
    require_json_type(request)
    document = parse_json(await read_body(request, REQUEST_BYTES_MAX), LIMITS)
    try:
        wanted = TokenRequest.model_validate_json(orjson.dumps(document), strict=True)
    except ValidationError as error:
        raise ProblemError(INVALID, describe(error)) from None
    principal = principal_of(request)
    if not set(wanted.scopes) <= principal.scopes:
        raise ProblemError(FORBIDDEN, "a token cannot have scopes that the key lacks")
    services = services_of(request)
    key = await signing_key(services)
    now_s = services.clock_ms() // 1000
    token_id = signing.create_token_id()
    claims = signing.DeviceClaims(
        issuer=services.tokens.own_issuer,
        user_id=wanted.user_id,
        scopes=tuple(dict.fromkeys(wanted.scopes)),
        client_id=principal.key_id or "",
        token_id=token_id,
        issued_at_s=now_s,
        expires_at_s=now_s + wanted.ttl_s,
    )
    API_TOKENS_ISSUED.inc()
    answer = TokenIssued(
        access_token=signing.sign(key, claims),
        expires_in=wanted.ttl_s,
        scope=" ".join(claims.scopes),
        token_id=token_id,
    )
    return json_response(encode(answer), status=201)


async def signing_key(services: Services) -> signing.SigningKey:
    """Return the key that signs now.

    Raises:
        ProblemError: 501, the gateway is not set up to issue tokens; the detail says what to do.
    """
    try:
        key = await services.tokens.signing_key()
    except SealingError as error:
        log.error("no tokens are issued: %s", error)
        raise ProblemError(
            NOT_SET_UP, "no tokens are issued: MEDIA_GATEWAY_SECRETS_KEY is not set or another one"
        ) from None
    if key is None:
        raise ProblemError(
            NOT_SET_UP, "no tokens are issued: an operator runs media-gateway signing-key rotate"
        )
    return key


async def get_public_keys(request: Request) -> Response:
    """Answer with our public keys as a JWKS (RFC 7517)."""
    found = await services_of(request).tokens.published()
    document = {"keys": [signing.public_jwk(key.kid, key.x) for key in found]}
    headers = {"Cache-Control": f"public, max-age={PUBLISHED_S}"}
    return Response(orjson.dumps(document), 200, headers, "application/jwk-set+json")
