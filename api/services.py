"""Everything a request may touch, opened once per process."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request

from api.cache import TtlCache
from api.identity.key_use import KeyUse
from api.identity.tokens import Tokens
from api.limits.limiter import Limiter
from api.partners.refusal_log import RefusalLog
from api.presets import PresetRules
from api.privacy.erased import ErasedUsers
from api.stores import (
    Attributes,
    Audit,
    Contents,
    Database,
    DeadLetters,
    Deliveries,
    Embeddings,
    ErasureList,
    Keys,
    Logins,
    ModelReports,
    NeighbourLists,
    Operators,
    PartnerDeliveries,
    Partners,
    RankingRules,
    Redrives,
    Refusals,
    Sessions,
    Slates,
    TrendingPartials,
    Viewers,
    WatchStates,
)
from infra.kafka.producer import Producer
from infra.partner_labels import PartnerLabels
from infra.postgres.api_keys import ApiKey
from infra.postgres.contents import ContentFacts
from infra.postgres.partners import Partner
from infra.security.passwords import PasswordHashing
from infra.security.pseudonyms import Pseudonyms
from infra.settings import Settings
from schemas.api import Trending
from schemas.content import Content

KEY_TTL_S = 3.0  # a revoked key works at most this long
PARTNER_TTL_S = 3.0
FACTS_TTL_S = 120.0  # types and versions of titles hardly change; most requests ask for some
NEWEST_TTL_S = 30.0
TRENDING_TTL_S = 3.0
KEYS_MAX = 10_000
FAMILIAR_S = 3600.0
FAMILIAR_MAX = 20_000
PARTNERS_MAX = 1_000
CONTENTS_MAX = 50_000
TRENDING_MAX = 64
SERVICES = "media_gateway.services"


@dataclass(frozen=True, kw_only=True)
class Services:
    """Stores, producer, caches and clocks of one process."""

    settings: Settings
    preset_rules: PresetRules
    producer: Producer
    database: Database
    keys: Keys
    key_use: KeyUse
    tokens: Tokens
    partners: Partners
    deliveries: Deliveries
    refusals: Refusals
    partner_deliveries: PartnerDeliveries
    dead_letters: DeadLetters
    redrives: Redrives
    contents: Contents
    slates: Slates
    viewers: Viewers
    watch_states: WatchStates
    trending: TrendingPartials
    neighbours: NeighbourLists
    ranking_rules: RankingRules
    attributes: Attributes
    embeddings: Embeddings
    models: ModelReports
    operators: Operators
    logins: Logins
    sessions: Sessions
    audit: Audit
    passwords: PasswordHashing
    pause: Callable[[float], Awaitable[None]]
    limiter: Limiter
    erasures: ErasureList
    pseudonyms: Pseudonyms
    clock_ms: Callable[[], int]
    monotonic_s: Callable[[], float]

    @cached_property
    def key_cache(self) -> TtlCache[str, ApiKey | None]:
        """API keys by public id."""
        return TtlCache("keys", size_max=KEYS_MAX, ttl_s=KEY_TTL_S, clock_s=self.monotonic_s)

    @cached_property
    def familiar(self) -> TtlCache[str, bool]:
        """Names of credentials that were found within the last hour: reading one is no guess.

        Who guesses from an address cannot shut out those there who have credentials.
        """
        return TtlCache(
            "familiar", size_max=FAMILIAR_MAX, ttl_s=FAMILIAR_S, clock_s=self.monotonic_s
        )

    @cached_property
    def refusal_log(self) -> RefusalLog:
        """Refused webhooks on their way to the database."""
        return RefusalLog(self.refusals, self.clock_ms)

    @cached_property
    def partner_labels(self) -> PartnerLabels:
        """Names of partners in metrics."""
        return PartnerLabels()

    @cached_property
    def partner_cache(self) -> TtlCache[str, Partner | None]:
        """Partners by name."""
        return TtlCache(
            "partners", size_max=PARTNERS_MAX, ttl_s=PARTNER_TTL_S, clock_s=self.monotonic_s
        )

    @cached_property
    def erased_users(self) -> ErasedUsers:
        """Who was erased, at most a few seconds old."""
        return ErasedUsers(self.erasures, self.pseudonyms, self.monotonic_s)

    @cached_property
    def facts_cache(self) -> TtlCache[str, ContentFacts]:
        """What progress events need to know about contents; unknown ones are not kept."""
        return TtlCache(
            "contents", size_max=CONTENTS_MAX, ttl_s=FACTS_TTL_S, clock_s=self.monotonic_s
        )

    @cached_property
    def trending_cache(self) -> TtlCache[tuple[str | None, str | None, str], Trending]:
        """Merged lists by region, genre and row."""
        return TtlCache(
            "trending", size_max=TRENDING_MAX, ttl_s=TRENDING_TTL_S, clock_s=self.monotonic_s
        )

    @cached_property
    def newest_cache(self) -> TtlCache[str | None, tuple[Content, ...]]:
        """The titles that arrived last and may be shown, by region."""
        return TtlCache(
            "newest", size_max=TRENDING_MAX, ttl_s=NEWEST_TTL_S, clock_s=self.monotonic_s
        )


def services_of(request: Request) -> Services:
    """Return the services of the application that got ``request``."""
    services: Services | None = request.scope.get(SERVICES)
    if services is None:  # a request asks a dozen times, and this is the slow way
        services = request.scope[SERVICES] = request.app.state.services
    assert services is not None
    return services
