"""Authorization header -> principal. Keys are read from Postgres and believed for a few seconds."""

from dataclasses import dataclass

from starlette.requests import Request

from api.problems import FORBIDDEN, UNAUTHENTICATED, ProblemError
from api.services import Services, services_of
from infra.postgres.api_keys import ApiKey
from infra.security import keys

SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. ``user_id`` None: an app that may speak for any of its users."""

    key_id: str
    scopes: frozenset[str]
    user_id: str | None

    def require_user(self, user_id: str) -> None:
        """Refuse a user that this key is not bound to."""
        if self.user_id is not None and self.user_id != user_id:
            raise ProblemError(FORBIDDEN, "this key belongs to another user")


async def authenticate(request: Request, scope: str) -> Principal:
    """Return the caller, who has ``scope``.

    Raises:
        ProblemError: 401 without a live key (one answer for all reasons), 403 without the scope.
    """
    header = request.headers.get("authorization", "")
    text = header[len(SCHEME) :] if header[: len(SCHEME)].lower() == SCHEME else ""
    key_id = keys.parse_key_id(text)
    if key_id is None:
        raise ProblemError(UNAUTHENTICATED)
    key = await find_key(services_of(request), key_id)
    if key is None or not keys.matches(text, key.key_sha256) or key.revoked_at_ms is not None:
        raise ProblemError(UNAUTHENTICATED)
    if scope not in key.scopes:
        raise ProblemError(FORBIDDEN, f"this key lacks the scope {scope}")
    return Principal(key_id, frozenset(key.scopes), key.user_id)


async def find_key(services: Services, key_id: str) -> ApiKey | None:
    """Return a key, at most ``KEY_TTL_S`` old."""
    return await services.key_cache.get_or_load(key_id, lambda: services.keys.find(key_id))
