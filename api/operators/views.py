"""Sessions -> what their operators see of them."""

from starlette.responses import Response

from api.problems import UNAUTHENTICATED, ProblemError
from api.responses import json_response
from api.services import Services
from domain.identity.sessions import ends_at_ms, has_recent_code
from infra.postgres.operator_sessions import Session, limits_of
from infra.security.operator_secrets import hash_token
from schemas.codec import encode
from schemas.operator_api import OperatorSession, OperatorToken
from schemas.times import to_rfc3339


def view(services: Services, session: Session) -> OperatorSession:
    """Return a session as its operator sees it."""
    limits = limits_of(services.settings)
    times = session.times
    recent = has_recent_code(times, limits, services.clock_ms())
    return OperatorSession(
        name=session.name,
        role=session.role,
        started_at=to_rfc3339(times.started_at_ms),
        ends_at=to_rfc3339(ends_at_ms(times, limits)),
        idle_minutes=services.settings.operator_idle_minutes,
        code_is_recent_until=to_rfc3339(times.code_at_ms + limits.recent_ms) if recent else None,
    )


async def token_response(services: Services, token: str) -> Response:
    """Return the answer that gives a token out.

    Raises:
        ProblemError: 401, its session has been ended meanwhile.
    """
    token_sha256 = hash_token(token)
    session = await services.sessions.find(token_sha256, services.clock_ms())
    if session is None:
        raise ProblemError(UNAUTHENTICATED)
    services.familiar.put(token_sha256.hex(), True)
    seen = view(services, session).model_dump()
    return json_response(encode(OperatorToken(**seen, token=token)))
