"""A bearer token -> principal: an API key by its prefix, else a JSON Web Token.

Why credentials are not believed is counted and logged, and never told: the caller gets one answer
for all reasons.
"""

import logging
from enum import Enum

from api.identity.caller import USER, Principal
from api.identity.tokens import Verified
from api.services import Services
from infra.metrics import API_CREDENTIAL_REFUSALS
from infra.postgres.api_keys import ApiKey
from infra.security import keys
from infra.security.keys import USER_SCOPES
from infra.security.tokens import Refusal

log = logging.getLogger(__name__)


class KeyRefusal(Enum):
    """Why credentials that are no token are not believed; the value is a bounded metric label."""

    NONE_GIVEN = "none_given"
    NO_KEY = "no_key"
    UNKNOWN_KEY = "unknown_api_key"
    WRONG_KEY = "wrong_api_key"
    REVOKED_KEY = "revoked_api_key"
    EXPIRED_KEY = "expired_api_key"
    DISABLED_PARTNER = "disabled_partner"


async def identify(services: Services, text: str, request_id: str) -> Principal | None:
    """Return who the credentials ``text`` speak for, None when they are not believed."""
    found = await _identify(services, text)
    if isinstance(found, Principal):
        return found
    API_CREDENTIAL_REFUSALS.labels(found.value).inc()
    log.info("request %s: credentials refused: %s", request_id, found.value)
    return None


async def _identify(services: Services, text: str) -> Principal | KeyRefusal | Refusal:
    if not text:
        return KeyRefusal.NONE_GIVEN
    if text.startswith(keys.KEY_PREFIX):
        return await of_key(services, text)
    return await of_token(services, text)


async def of_key(services: Services, text: str) -> Principal | KeyRefusal:
    """Return who an API key speaks for."""
    key_id = keys.parse_key_id(text)
    if key_id is None:
        return KeyRefusal.NO_KEY
    key = await find_key(services, key_id)
    if key is None:
        return KeyRefusal.UNKNOWN_KEY
    if not keys.matches(text, key.key_sha256):
        return KeyRefusal.WRONG_KEY
    if not key.is_live(services.clock_ms()):
        return KeyRefusal.EXPIRED_KEY if key.revoked_at_ms is None else KeyRefusal.REVOKED_KEY
    if key.partner is not None and not await is_enabled(services, key.partner):
        return KeyRefusal.DISABLED_PARTNER
    services.key_use.note(key_id)
    return Principal(
        subject=f"key:{key_id}",
        scopes=frozenset(key.scopes),
        tier=key.tier,
        user_id=key.user_id,
        partner=key.partner,
        key_id=key_id,
    )


async def is_enabled(services: Services, partner: str) -> bool:
    """Whether a partner may call now; asked each time, for partners call seldom."""
    found = await services.partners.view(partner)
    return found is not None and found.enabled


async def of_token(services: Services, text: str) -> Principal | Refusal:
    """Return the user that a token speaks for."""
    found = await services.tokens.verified(text)
    if isinstance(found, Refusal):
        return found
    if found.grant is None:
        return await _of_own_token(services, found)
    scopes = found.claims.scopes & frozenset(found.grant.scopes) & frozenset(USER_SCOPES)
    return _user(found, scopes, found.grant.tier)


async def _of_own_token(services: Services, found: Verified) -> Principal | Refusal:
    """A token that an app got may do what the app's key may do now: it ends with the key."""
    key = await find_key(services, found.claims.client_id or "")
    if key is None or not key.is_live(services.clock_ms()):
        return Refusal.REVOKED
    return _user(found, found.claims.scopes & frozenset(key.scopes), key.tier)


def _user(found: Verified, scopes: frozenset[str], tier: str) -> Principal:
    user_id = found.claims.user_id
    key_id = found.claims.client_id if found.grant is None else None
    return Principal(f"{USER}{user_id}", scopes, tier, user_id, key_id=key_id)


async def find_key(services: Services, key_id: str) -> ApiKey | None:
    """Return a key, at most ``KEY_TTL_S`` old."""

    async def load() -> ApiKey | None:
        found = await services.keys.find(key_id)
        if found is not None:
            services.familiar.put(key_id, True)
        return found

    return await services.key_cache.get_or_load(key_id, load)
