"""Credentials of a request -> principal. Keys come from Postgres and are believed for seconds."""

from dataclasses import dataclass

from starlette.requests import Request

from api.identity.access import Access, Caller
from api.limits.counting import address_of, require_left
from api.problems import FORBIDDEN, UNAUTHENTICATED, ProblemError
from api.services import Services, services_of
from infra.postgres.api_keys import ApiKey
from infra.security import keys

SCHEME = "bearer "
PRINCIPAL = "media_gateway.principal"
USER_PARAMETER = "user"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: an app that speaks for any of its users, one user of an app, or one partner.

    ``subject`` names the caller for limits and records; ``tier`` says how often it may call.
    """

    subject: str
    scopes: frozenset[str]
    tier: str
    user_id: str | None = None
    partner: str | None = None

    def require_user(self, user_id: str) -> None:
        """Refuse a user that these credentials are not bound to."""
        if self.user_id is not None and self.user_id != user_id:
            raise ProblemError(FORBIDDEN, "these credentials belong to another user")


async def admit(request: Request, access: Access) -> None:
    """Let the request on to its handler, which finds the caller with ``principal_of``.

    Raises:
        ProblemError: 401 without valid credentials (one answer for all reasons), 403 without the
            scope or for another user.
    """
    if access.caller not in (Caller.APP, Caller.PARTNER):
        return
    principal = request.scope[PRINCIPAL] = await authenticated(request)
    if (principal.partner is not None) is not (access.caller is Caller.PARTNER):
        raise ProblemError(FORBIDDEN, "these credentials are not for this kind of caller")
    if access.scope is not None and access.scope not in principal.scopes:
        raise ProblemError(FORBIDDEN, f"these credentials lack the scope {access.scope}")
    user_id = request.path_params.get(USER_PARAMETER)
    if user_id is not None:
        principal.require_user(user_id)


def principal_of(request: Request) -> Principal:
    """Return the caller of a request that was admitted."""
    principal: Principal = request.scope[PRINCIPAL]
    return principal


async def authenticated(request: Request) -> Principal:
    """Return who the Authorization header speaks for."""
    header = request.headers.get("authorization", "")
    text = header[len(SCHEME) :] if header[: len(SCHEME)].lower() == SCHEME else ""
    key_id = keys.parse_key_id(text)
    if key_id is None:
        raise ProblemError(UNAUTHENTICATED)
    services = services_of(request)
    if services.key_cache.get(key_id) is None:
        require_left(request, services.limiter.quotas.anonymous, f"address:{address_of(request)}")
    key = await find_key(services, key_id)
    if key is None or not keys.matches(text, key.key_sha256):
        raise ProblemError(UNAUTHENTICATED)
    if not key.is_live(services.clock_ms()):
        raise ProblemError(UNAUTHENTICATED)
    return Principal(f"key:{key_id}", frozenset(key.scopes), key.tier, key.user_id, key.partner)


async def find_key(services: Services, key_id: str) -> ApiKey | None:
    """Return a key, at most ``KEY_TTL_S`` old."""
    return await services.key_cache.get_or_load(key_id, lambda: services.keys.find(key_id))
