"""Everything a request may touch, opened once per process."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request

from api.cache import TtlCache
from api.presets import PresetRules
from api.privacy.erased import ErasedUsers
from api.stores import (
    Attributes,
    Contents,
    Database,
    Deliveries,
    Embeddings,
    ErasureList,
    Keys,
    ModelReports,
    NeighbourLists,
    Partners,
    RankingRules,
    Slates,
    TrendingPartials,
    Viewers,
    WatchStates,
)
from infra.kafka.producer import EventProducer, Producer
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.attributes import AttributeStore
from infra.postgres.contents import ContentFacts, ContentStore
from infra.postgres.embeddings import EmbeddingStore
from infra.postgres.erasures import ErasureStore
from infra.postgres.models import ModelStore
from infra.postgres.neighbours import NeighbourStore
from infra.postgres.partners import Partner, PartnerStore
from infra.postgres.pool import Pool, create_pool, is_ready
from infra.postgres.ranking_rules import RankingRuleStore
from infra.postgres.slates import SlateStore
from infra.postgres.trending import TrendingStore
from infra.postgres.viewers import ViewerStore
from infra.postgres.watch_states import WatchStateStore
from infra.postgres.webhook_deliveries import DeliveryStore
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import Sealer
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.api import Trending
from schemas.content import Content

KEY_TTL_S = 3.0  # a revoked key works at most this long
PARTNER_TTL_S = 3.0
FACTS_TTL_S = 120.0  # types and versions of titles hardly change; most requests ask for some
NEWEST_TTL_S = 30.0
TRENDING_TTL_S = 3.0
KEYS_MAX = 10_000
PARTNERS_MAX = 1_000
CONTENTS_MAX = 50_000
TRENDING_MAX = 64
CLOSE_S = 3.0
STATEMENT_TIMEOUT_MS = 3000  # an answer or a 503 comes well within a caller's patience


@dataclass(frozen=True, kw_only=True)
class Services:
    """Stores, producer, caches and clocks of one process."""

    settings: Settings
    preset_rules: PresetRules
    producer: Producer
    database: Database
    keys: Keys
    partners: Partners
    deliveries: Deliveries
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
    erasures: ErasureList
    pseudonyms: Pseudonyms
    clock_ms: Callable[[], int]
    monotonic_s: Callable[[], float]

    @cached_property
    def key_cache(self) -> TtlCache[str, ApiKey | None]:
        """API keys by public id."""
        return TtlCache("keys", size_max=KEYS_MAX, ttl_s=KEY_TTL_S, clock_s=self.monotonic_s)

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
    services: Services = request.app.state.services
    return services


class PostgresDatabase:
    """Asks the pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def is_ready(self) -> bool:
        """Whether a statement goes through now."""
        return await is_ready(self._pool)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the pool and the producer; neither needs its server to be there yet."""
    # The API writes only the memory of webhook ids. If a crash loses the newest of it, a repeated
    # delivery is produced again with the same event id, which consumers drop.
    pool = create_pool(
        settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS, synchronous_commit=False
    )
    producer = EventProducer(
        settings.kafka_bootstrap_servers,
        timeout_ms=settings.produce_timeout_ms,
        linger_ms=settings.produce_linger_ms,
    )
    async with AsyncExitStack() as stack:
        await pool.open()
        stack.push_async_callback(pool.close, CLOSE_S)
        await producer.start()
        stack.push_async_callback(producer.stop)
        yield Services(
            settings=settings,
            preset_rules=PresetRules.from_settings(settings),
            producer=producer,
            database=PostgresDatabase(pool),
            keys=ApiKeyStore(pool),
            partners=PartnerStore(pool, Sealer(settings.secrets_key), now_ms),
            deliveries=DeliveryStore(pool),
            contents=ContentStore(pool),
            slates=SlateStore(pool),
            viewers=ViewerStore(pool),
            watch_states=WatchStateStore(pool),
            trending=TrendingStore(pool),
            neighbours=NeighbourStore(pool),
            ranking_rules=RankingRuleStore(pool),
            attributes=AttributeStore(pool),
            embeddings=EmbeddingStore(pool),
            models=ModelStore(pool),
            erasures=ErasureStore(pool),
            pseudonyms=Pseudonyms(settings.erasure_key),
            clock_ms=now_ms,
            monotonic_s=time.monotonic,
        )
