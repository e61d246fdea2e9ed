"""A session token of an operator -> the operator, if their role and their last code allow it."""

from dataclasses import dataclass, replace
from typing import get_args

from starlette.requests import Request

from api.gateway import REQUEST_ID, ROUTE
from api.identity.access import Access
from api.limits.counting import exact_address_of, require_no_guessing
from api.problems import FORBIDDEN, RECENT_CODE_REQUIRED, UNAUTHENTICATED, ProblemError
from api.services import services_of
from domain.identity.sessions import has_recent_code
from infra.postgres.audit import Actor
from infra.postgres.operator_sessions import Session, limits_of
from infra.security.events import Event, log_event
from infra.security.operator_secrets import hash_token, is_token
from schemas.operator_api import Role

OPERATOR = "media_gateway.operator"
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may
SOURCE_MAX = 64  # of an audit entry
STEP_UP = (
    "post a code of your authenticator app to /api/v1/auth/step-up, and repeat this with the token "
    "that it returns"
)


@dataclass(frozen=True, slots=True)
class AdmittedOperator:
    """An operator who was admitted: the session, and the hash of the token that named it."""

    session: Session
    token_sha256: bytes


async def admit_operator(request: Request, access: Access, token: str) -> Session:
    """Return the session of ``token``; handlers find it with ``operator_of``.

    Raises:
        ProblemError: 401 without a live session, 403 without the role or without a recent code.
    """
    if not is_token(token):
        raise ProblemError(UNAUTHENTICATED)
    services = services_of(request)
    now_ms = services.clock_ms()
    token_sha256 = hash_token(token)
    name = token_sha256.hex()
    require_no_guessing(request, name)
    session = await services.sessions.find(token_sha256, now_ms)
    if session is None:
        raise ProblemError(UNAUTHENTICATED)
    services.familiar.put(name, True)
    request.scope[OPERATOR] = AdmittedOperator(session, token_sha256)
    if not includes(session.role, access.role):
        # The template of the path: in its place of the user there may be one who was erased.
        log_event(Event.FORBIDDEN, session.name, request.scope[ROUTE])
        raise ProblemError(FORBIDDEN, f"this needs the role {access.role}")
    limits = limits_of(services.settings)
    if access.recent_totp and not has_recent_code(session.times, limits, now_ms):
        raise ProblemError(RECENT_CODE_REQUIRED, STEP_UP)
    return session


def includes(role: str, least: Role | None) -> bool:
    """Whether ``role`` may do what ``least`` may; nobody may do what no role was declared for."""
    if least is None or role not in ROLES:
        return False
    return ROLES.index(role) >= ROLES.index(least)


def operator_of(request: Request) -> AdmittedOperator:
    """Return the operator of a request that was admitted."""
    admitted: AdmittedOperator = request.scope[OPERATOR]
    return admitted


def actor_of(request: Request) -> Actor:
    """Return the operator of a request that was admitted, for the audit trail.

    What is done for this actor is not done once the session has ended.
    """
    caller = operator_of(request)
    return replace(actor(request, caller.session.name), session_sha256=caller.token_sha256)


def actor(request: Request, name: str) -> Actor:
    """Return the operator with this name as who acts in ``request``."""
    return Actor(
        "operator", name, request.scope[REQUEST_ID], exact_address_of(request)[:SOURCE_MAX]
    )
