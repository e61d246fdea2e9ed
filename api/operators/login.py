"""POST /api/v1/auth/login and /recover: a password and a second factor -> a session.

Whoever is refused learns nothing but that: one text for every reason, the same hashes computed for
names that do not exist, and the answer held back until a whole step of time is over, so that
neither the text nor the time tells whether there is such a name, or which part was wrong.
"""

import logging
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from api.identity.operators import actor
from api.limits.counting import address_of, exact_address_of
from api.operators.bodies import read_model
from api.operators.views import token_response
from api.problems import LOGIN_REFUSED, ProblemError
from api.services import Services, services_of
from domain.identity.login import Given, Outcome
from infra import metrics
from infra.postgres.operator_logins import LoginAttempt
from infra.postgres.operators import Credentials
from infra.security.events import Event, log_event
from infra.security.operator_secrets import create_token, hash_token, read_recovery_code
from infra.security.passwords import HashingBusy
from infra.security.sealing import SealingError
from schemas.operator_api import LoginRequest, RecoveryRequest

log = logging.getLogger(__name__)

REFUSAL_STEP_S = 0.5  # some times what a refusal takes, so hardly any crosses a step
NOBODYS_SALT = bytes(16)
REFUSED = (
    "name, password or code is wrong, the code was used before, or the account is locked for a "
    "while or disabled"
)


class Factors(NamedTuple):
    """What was given: a code of the app, or a recovery code."""

    name: str
    password: str
    code: str | None = None
    recovery_code: str | None = None


async def post_login(request: Request) -> Response:
    """Open a session for a password and a code of the authenticator app."""
    body = await read_model(request, LoginRequest)
    return await answer(request, Factors(body.name, body.password, code=body.code))


async def post_recover(request: Request) -> Response:
    """Open a session for a password and a recovery code; it has no recent code."""
    body = await read_model(request, RecoveryRequest)
    return await answer(
        request, Factors(body.name, body.password, recovery_code=body.recovery_code)
    )


async def answer(request: Request, factors: Factors) -> Response:
    """Return the session that the factors open.

    Raises:
        ProblemError: 401, for every reason alike.
        HashingBusy: too many at this moment.
    """
    services = services_of(request)
    began_s = services.monotonic_s()
    token = create_token()
    if not await is_accepted(request, factors, token):
        passed_s = services.monotonic_s() - began_s
        await services.pause(REFUSAL_STEP_S - passed_s % REFUSAL_STEP_S)
        raise ProblemError(LOGIN_REFUSED, REFUSED)
    return await token_response(services, token)


async def is_accepted(request: Request, factors: Factors, token: str) -> bool:
    """Whether the factors open a session; if so, it has this token."""
    services = services_of(request)
    found = await services.operators.find_credentials(factors.name)
    given = await weighed(services, factors, found)
    if found is None:
        metrics.OPERATOR_LOGINS.labels(Outcome.WRONG_PASSWORD.value).inc()
        log_event(Event.LOGIN_FAILED, factors.name, exact_address_of(request))
        return False
    attempt = LoginAttempt(
        found.operator_id, given, hash_token(token), found.password_hash, address_of(request)
    )
    who = actor(request, factors.name)
    try:
        outcome = await services.logins.log_in(attempt, who, services.clock_ms())
    except SealingError as error:  # told to whoever reads the log, else it would tell names
        log.error("operator %r cannot log in: %s", factors.name, error)
        return False
    if outcome is not Outcome.ACCEPTED:
        return False
    await rehash(services, factors.password, found)
    return True


async def weighed(services: Services, factors: Factors, found: Credentials | None) -> Given:
    """Return what the factors are worth; as many hashes are computed for nobody as for somebody."""
    stored = None if found is None else found.password_hash
    right = await services.passwords.is_right(factors.password, stored)
    if factors.recovery_code is None:
        return Given(right, code=factors.code)
    salt = NOBODYS_SALT if found is None else found.recovery_salt
    code = read_recovery_code(factors.recovery_code)
    [hashed] = await services.passwords.hash_recovery([code], salt)
    return Given(right, recovery=hashed)


async def rehash(services: Services, password: str, found: Credentials) -> None:
    """Store a hash with today's parameters where an older one was; where it is busy, next time."""
    if not services.passwords.is_outdated(found.password_hash):
        return
    try:
        new = await services.passwords.hash(password)
    except HashingBusy:
        return
    await services.operators.rehash(found.operator_id, found.password_hash, new)
