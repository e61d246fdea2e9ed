"""What an operator does with a session: look at it, renew it, prove a code, end it."""

import logging

from starlette.requests import Request
from starlette.responses import Response

from api.deadline import paused
from api.identity.operators import actor_of, operator_of
from api.operators.bodies import read_model
from api.operators.views import token_response, view
from api.problems import CODE_REFUSED, UNAUTHENTICATED, UNAVAILABLE, ProblemError
from api.responses import json_response
from api.services import services_of
from domain.identity.login import Outcome
from infra.postgres.operator_logins import StepUp
from infra.security.events import Event, log_event
from infra.security.operator_secrets import (
    create_recovery_codes,
    create_salt,
    create_token,
    hash_token,
)
from infra.security.sealing import SealingError
from schemas.codec import encode
from schemas.operator_api import RecoveryCodes, SessionsEnded, StepUpRequest

log = logging.getLogger(__name__)

REASONS = {
    Outcome.WRONG_CODE: "this is not the code of this moment",
    Outcome.REPLAYED: "this code was used before: wait for the next one",
    Outcome.LOCKED: "too many wrong codes: none is taken in a session for a while; log in anew",
}


async def get_me(request: Request) -> Response:
    """Answer with the session that the request came with."""
    return json_response(encode(view(services_of(request), operator_of(request).session)))


async def post_refresh(request: Request) -> Response:
    """Replace the token; the old one is dead. The session ends no later for it."""
    services, caller, token = services_of(request), operator_of(request), create_token()
    rotated = await services.sessions.rotate(
        caller.token_sha256, hash_token(token), services.clock_ms()
    )
    if not rotated:
        raise ProblemError(UNAUTHENTICATED)
    log_event(Event.SESSION_RENEWED, caller.session.name)
    return await token_response(services, token)


async def post_step_up(request: Request) -> Response:
    """Prove a code and replace the token: for some minutes its operator may change something."""
    body = await read_model(request, StepUpRequest)
    services, caller, token = services_of(request), operator_of(request), create_token()
    step = StepUp(
        caller.session.operator_id, body.code, caller.token_sha256, hash_token(token)
    )  # fmt: skip
    try:
        outcome = await services.logins.step_up(step, actor_of(request), services.clock_ms())
    except SealingError as error:
        log.error("operator %r cannot step up: %s", caller.session.name, error)
        raise ProblemError(UNAVAILABLE, "no code can be judged at the moment") from error
    if outcome in (None, Outcome.DISABLED):
        raise ProblemError(UNAUTHENTICATED)
    if outcome is not Outcome.ACCEPTED:
        assert outcome is not None
        raise ProblemError(CODE_REFUSED, REASONS[outcome])
    return await token_response(services, token)


async def post_logout(request: Request) -> Response:
    """End the session that the request came with."""
    caller = operator_of(request)
    await services_of(request).sessions.end(caller.token_sha256, actor_of(request))
    log_event(Event.SESSION_ENDED, caller.session.name)
    return json_response(encode(SessionsEnded(ended=1)))


async def post_logout_everywhere(request: Request) -> Response:
    """End all sessions of the operator."""
    session = operator_of(request).session
    ended = await services_of(request).sessions.end_all(session.operator_id, actor_of(request))
    log_event(Event.SESSION_ENDED, session.name)
    return json_response(encode(SessionsEnded(ended=ended)))


async def post_recovery_codes(request: Request) -> Response:
    """Give out ten new recovery codes; the earlier ones work no more."""
    services, name = services_of(request), operator_of(request).session.name
    codes, salt = create_recovery_codes(), create_salt()
    with paused(request):  # else a slow machine would replace codes after its 503
        hashes = await services.passwords.hash_recovery(codes, salt)
    await services.operators.renew_recovery_codes(actor_of(request), name, salt, hashes)
    return json_response(encode(RecoveryCodes(codes=tuple(codes))))
