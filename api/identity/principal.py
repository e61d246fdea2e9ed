"""Credentials of a request -> principal, or the end of the request."""

from starlette.requests import Request

from api.gateway import REQUEST_ID
from api.identity.access import Access, CallerKind
from api.identity.caller import Principal
from api.identity.credentials import identify
from api.identity.operators import admit_operator
from api.limits.counting import require_no_guessing
from api.problems import FORBIDDEN, UNAUTHENTICATED, ProblemError
from api.services import services_of
from infra.security.keys import parse_key_id

__all__ = ["Principal", "admit", "principal_of"]

SCHEME = "bearer "
PRINCIPAL = "media_gateway.principal"
USER_PARAMETER = "user"
OPERATOR_TIER = "pro"


async def admit(request: Request, access: Access) -> None:
    """Let the request on to its handler, which finds the caller with ``principal_of``.

    Raises:
        ProblemError: 401 without valid credentials (one answer for all reasons), 403 without the
            scope or for another user.
    """
    if access.caller is CallerKind.OPERATOR:
        session = await admit_operator(request, access, bearer(request))
        request.scope[PRINCIPAL] = Principal(
            f"operator:{session.operator_id}", frozenset(), OPERATOR_TIER
        )
        return
    if access.caller not in (CallerKind.APP, CallerKind.PARTNER):
        return
    principal = request.scope[PRINCIPAL] = await authenticated(request)
    if (principal.partner is not None) is not (access.caller is CallerKind.PARTNER):
        raise ProblemError(FORBIDDEN, "these credentials are not for this kind of caller")
    if access.scope is not None and access.scope not in principal.scopes:
        raise ProblemError(FORBIDDEN, f"these credentials lack the scope {access.scope}")
    if access.any_user and principal.user_id is not None:
        raise ProblemError(FORBIDDEN, "these credentials belong to one user")
    user_id = request.path_params.get(USER_PARAMETER)
    if user_id is not None:
        principal.require_user(user_id)


def principal_of(request: Request) -> Principal:
    """Return the caller of a request that was admitted."""
    principal: Principal = request.scope[PRINCIPAL]
    return principal


def bearer(request: Request) -> str:
    """Return the bearer token of the Authorization header (``api.gateway`` refuses two of them)."""
    header = request.headers.get("authorization", "")
    return header[len(SCHEME) :] if header[: len(SCHEME)].lower() == SCHEME else ""


async def authenticated(request: Request) -> Principal:
    """Return who the Authorization header speaks for."""
    services, text = services_of(request), bearer(request)
    key_id = parse_key_id(text)
    if key_id is not None:
        require_no_guessing(request, key_id)
    principal = await identify(services, text, request.scope[REQUEST_ID])
    if principal is None:
        raise ProblemError(UNAUTHENTICATED)
    return principal
