"""Credentials of a request -> principal, or the end of the request."""

from starlette.requests import Request

from api.gateway import REQUEST_ID
from api.identity.access import Access, Caller
from api.identity.caller import Principal
from api.identity.credentials import identify
from api.problems import FORBIDDEN, UNAUTHENTICATED, ProblemError
from api.services import services_of

__all__ = ["Principal", "admit", "principal_of"]

SCHEME = "bearer "
PRINCIPAL = "media_gateway.principal"
USER_PARAMETER = "user"


async def admit(request: Request, access: Access) -> None:
    """Let the request on to its handler, which finds the caller with ``principal_of``.

    Raises:
        ProblemError: 401 without valid credentials (one answer for all reasons), 403 without the
            scope or for another user.
    """
    if access.caller not in (Caller.APP, Caller.PARTNER):
        return
    principal = await authenticated(request)
    if (principal.partner is not None) is not (access.caller is Caller.PARTNER):
        raise ProblemError(FORBIDDEN, "these credentials are not for this kind of caller")
    if access.scope is not None and access.scope not in principal.scopes:
        raise ProblemError(FORBIDDEN, f"these credentials lack the scope {access.scope}")
    if access.any_user and principal.user_id is not None:
        raise ProblemError(FORBIDDEN, "these credentials belong to one user")
    user_id = request.path_params.get(USER_PARAMETER)
    if user_id is not None:
        principal.require_user(user_id)
    request.scope[PRINCIPAL] = principal


def principal_of(request: Request) -> Principal:
    """Return the caller of a request that was admitted."""
    principal: Principal = request.scope[PRINCIPAL]
    return principal


async def authenticated(request: Request) -> Principal:
    """Return who the Authorization header speaks for."""
    given = request.headers.getlist("authorization")
    header = given[0] if len(given) == 1 else ""  # of two, nobody knows which one was meant
    text = header[len(SCHEME) :] if header[: len(SCHEME)].lower() == SCHEME else ""
    principal = await identify(services_of(request), text, request.scope[REQUEST_ID])
    if principal is None:
        raise ProblemError(UNAUTHENTICATED)
    return principal
