"""Tokens as this process knows them: who may sign, with what, and what was revoked.

Everything is read from Postgres and believed for seconds, like API keys; the keys of issuers that
publish them come from ``infra.issuers``. A revocation, a disabled issuer and a retired key take
effect within the sum of a cache's time and a statement's, which is below five seconds.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Set
from functools import lru_cache
from typing import NamedTuple, get_args

from api.cache import TtlCache
from api.stores import SigningKeys, TokenIssuers, TokenRevocations
from infra.issuers.remote_keys import RemoteKeys
from infra.postgres.signing_keys import PublicSigningKey
from infra.postgres.token_issuers import TokenIssuer
from infra.postgres.token_revocations import Kind
from infra.security import signing
from infra.security.jwks import EDDSA, JwksError, KeySet, VerificationKey, parse_jwks
from infra.security.pseudonyms import Pseudonyms
from infra.security.tokens import (
    AT_JWT,
    LEEWAY_S,
    Claims,
    Refusal,
    Rules,
    Unverified,
    read,
    verify,
)

log = logging.getLogger(__name__)

TRUST_TTL_S = 3.0
REVOCATIONS_TTL_S = 2.0
OWN_KEYS_TTL_S = 1.0  # the first key signs at once; other processes know it this much later
OWN_LIFETIME_MAX_S = 3600
OWN_SKEW_S = 1  # between the clocks of the hosts that issue and the one that revoked
STORED_SETS_MAX = 128


class Revoked(NamedTuple):
    """Tokens by jti; and, by user and by pseudonym of an erased user, until when, Unix seconds."""

    tokens: Set[str]
    users: Mapping[str, int]
    erased: Mapping[str, int]

    def until_s(self, user_id: str, pseudonyms: Pseudonyms) -> int | None:
        """Return until when issued tokens of a user are revoked; None: none are."""
        found = [self.users.get(user_id)]
        if self.erased:
            found += [self.erased.get(each) for each in pseudonyms.all_of(user_id)]
        return max((each for each in found if each is not None), default=None)


class Verified(NamedTuple):
    """Claims that are believed; ``grant`` is None for a token of our own."""

    claims: Claims
    grant: TokenIssuer | None


class TokenStores(NamedTuple):
    """What is kept about tokens; ``pseudonyms`` are those of erased users."""

    issuers: TokenIssuers
    signing_keys: SigningKeys
    revocations: TokenRevocations
    pseudonyms: Pseudonyms


class _Source(NamedTuple):
    """What a token is verified with; ``skew_s``: how late its issuer may notice a revocation."""

    rules: Rules
    key: VerificationKey
    grant: TokenIssuer | None
    skew_s: int


class OwnKey(NamedTuple):
    """One of our keys as it is published, and as it verifies."""

    public: PublicSigningKey
    verifies: VerificationKey


class Tokens:
    """Verifies tokens, and knows the key that signs ours.

    Args:
        own_issuer: issuer and audience of our own tokens.
        stores: where issuers, our keys and revocations are read from.
        remote: key sets of issuers that publish them.
        clock_ms: Unix milliseconds.
        monotonic_s: for the caches.
    """

    def __init__(
        self,
        own_issuer: str,
        stores: TokenStores,
        remote: RemoteKeys,
        *,
        clock_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
    ) -> None:
        self.own_issuer = own_issuer
        self._stores = stores
        self._remote = remote
        self._clock_ms = clock_ms
        self._own_rules = Rules(
            own_issuer, own_issuer, (EDDSA,), AT_JWT, "sub", OWN_LIFETIME_MAX_S, LEEWAY_S
        )
        self._issuers: TtlCache[str, Mapping[str, TokenIssuer]] = TtlCache(
            "issuers", size_max=1, ttl_s=TRUST_TTL_S, clock_s=monotonic_s
        )
        self._revoked: TtlCache[str, Revoked] = TtlCache(
            "revocations", size_max=1, ttl_s=REVOCATIONS_TTL_S, clock_s=monotonic_s
        )
        self._published: TtlCache[str, Mapping[str, OwnKey]] = TtlCache(
            "own_keys", size_max=1, ttl_s=OWN_KEYS_TTL_S, clock_s=monotonic_s
        )
        self._current: TtlCache[str, signing.SigningKey | None] = TtlCache(
            "signing_key", size_max=1, ttl_s=TRUST_TTL_S, clock_s=monotonic_s
        )

    async def verified(self, text: str) -> Verified | Refusal:
        """Return what a token says if it is to be believed now, else why not."""
        token = read(text)
        if isinstance(token, Refusal):
            return token
        source = await self._source_of(token)
        if isinstance(source, Refusal):
            return source
        claims = verify(token, source.rules, source.key, self._clock_ms() / 1000)
        if isinstance(claims, Refusal):
            return claims
        if await self._is_revoked(claims, source.skew_s):
            return Refusal.REVOKED
        return Verified(claims, source.grant)

    async def _source_of(self, token: Unverified) -> _Source | Refusal:
        if token.issuer == self.own_issuer:
            own = (await self._own_keys()).get(token.kid)
            if own is None:
                return Refusal.UNKNOWN_KEY
            return _Source(self._own_rules, own.verifies, None, OWN_SKEW_S)
        grant = (await self.issuers()).get(token.issuer)
        if grant is None:
            return Refusal.UNKNOWN_ISSUER
        key = self._foreign_key(grant, token.kid)
        if key is None:
            return Refusal.UNKNOWN_KEY
        return _Source(rules_of(grant), key, grant, LEEWAY_S)

    async def issuers(self) -> Mapping[str, TokenIssuer]:
        """Return the enabled issuers by name."""
        return await self._issuers.get_or_load("all", self._load_issuers)

    async def key_urls(self) -> Collection[str]:
        """Return the addresses at which enabled issuers publish their keys."""
        return {item.jwks_url for item in (await self.issuers()).values() if item.jwks_url}

    async def signing_key(self) -> signing.SigningKey | None:
        """Return the key that signs now, None when there is none.

        Raises:
            SealingError: it cannot be opened.
        """
        return await self._current.get_or_load(
            "current", lambda: self._stores.signing_keys.current(self._clock_ms())
        )

    async def published(self) -> list[PublicSigningKey]:
        """Return our public keys that may have signed a token that is still good, or will."""
        return [key.public for key in (await self._own_keys()).values()]

    async def _load_issuers(self) -> Mapping[str, TokenIssuer]:
        found = await self._stores.issuers.list_all()
        return {item.issuer: item for item in found if item.enabled}

    async def _own_keys(self) -> Mapping[str, OwnKey]:
        return await self._published.get_or_load("all", self._load_own_keys)

    async def _load_own_keys(self) -> Mapping[str, OwnKey]:
        found = await self._stores.signing_keys.list_published(self._clock_ms())
        return {
            key.kid: OwnKey(key, signing.verification_key(key.kid, key.x)) for key in found
        }  # fmt: skip

    def _foreign_key(self, issuer: TokenIssuer, kid: str) -> VerificationKey | None:
        if issuer.jwks_url is None:
            return stored_keys(issuer.jwks or "").get(kid)
        key = self._remote.keys(issuer.jwks_url).get(kid)
        if key is None:
            self._remote.miss(issuer.jwks_url)
        return key

    async def _is_revoked(self, claims: Claims, skew_s: int) -> bool:
        """Whether this token or all of its user's until now were revoked.

        ``skew_s``: a token that an issuer issued before the revocation may say that it was after.
        """
        revoked = await self._revoked.get_or_load("all", self._load_revoked)
        if claims.token_id in revoked.tokens:
            return True
        user_at_s = revoked.until_s(claims.user_id, self._stores.pseudonyms)
        return user_at_s is not None and claims.issued_at_s <= user_at_s + skew_s

    async def _load_revoked(self) -> Revoked:
        found = await self._stores.revocations.list_live(self._clock_ms() // 1000)
        at_s: dict[str, dict[str, int]] = {kind: {} for kind in get_args(Kind)}
        for item in found:
            at_s[item.kind][item.value] = item.revoked_at_s
        return Revoked(at_s["token"].keys(), at_s["user"], at_s["erased"])


def rules_of(issuer: TokenIssuer) -> Rules:
    """Return what tokens of a foreign issuer must be like."""
    return Rules(
        issuer=issuer.issuer,
        audience=issuer.audience,
        algorithms=issuer.algorithms,
        token_type=issuer.token_type,
        user_claim=issuer.user_claim,
        lifetime_max_s=issuer.lifetime_max_s,
    )


@lru_cache(maxsize=STORED_SETS_MAX)
def stored_keys(document: str) -> KeySet:
    """Return the keys of a stored document; none when it is not usable by today's rules."""
    try:
        return parse_jwks(document.encode())
    except JwksError as error:
        log.error("the stored keys of an issuer are not used: %s", error)
        return {}
