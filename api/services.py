"""Everything a request may touch, opened once per process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial

from starlette.requests import Request

from api.background import in_background
from api.cache import TtlCache
from api.identity.key_use import KeyUse
from api.identity.tokens import Tokens, TokenStores
from api.partners.labels import PartnerLabels
from api.partners.refusal_log import RefusalLog
from api.presets import PresetRules
from api.stores import (
    Attributes,
    Audit,
    Contents,
    Database,
    DeadLetters,
    Deliveries,
    Embeddings,
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
from infra.issuers.fetching import fetch
from infra.issuers.remote_keys import RemoteKeys
from infra.kafka.producer import EventProducer, Producer
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.attributes import AttributeStore
from infra.postgres.audit import AuditTrail
from infra.postgres.contents import ContentFacts, ContentStore
from infra.postgres.dead_letters import DeadLetterStore
from infra.postgres.embeddings import EmbeddingStore
from infra.postgres.models import ModelStore
from infra.postgres.neighbours import NeighbourStore
from infra.postgres.operator_logins import LoginStore
from infra.postgres.operator_sessions import SessionStore, limits_of
from infra.postgres.operators import OperatorStore
from infra.postgres.partner_deliveries import PartnerDeliveryStore
from infra.postgres.partners import Partner, PartnerStore
from infra.postgres.pool import Pool, create_pool, is_ready
from infra.postgres.ranking_rules import RankingRuleStore
from infra.postgres.signing_keys import SigningKeyStore
from infra.postgres.slates import SlateStore
from infra.postgres.token_issuers import TokenIssuerStore
from infra.postgres.token_revocations import TokenRevocationStore
from infra.postgres.trending import TrendingStore
from infra.postgres.viewers import ViewerStore
from infra.postgres.watch_states import WatchStateStore
from infra.postgres.webhook_deliveries import DeliveryStore
from infra.postgres.webhook_refusals import RefusalStore
from infra.redrive import RedriveOnDemand
from infra.security.passwords import PasswordHashing
from infra.security.sealing import sealer_of
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
    clock_ms: Callable[[], int]
    monotonic_s: Callable[[], float]

    @cached_property
    def key_cache(self) -> TtlCache[str, ApiKey | None]:
        """API keys by public id."""
        return TtlCache("keys", size_max=KEYS_MAX, ttl_s=KEY_TTL_S, clock_s=self.monotonic_s)

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
    sealer = sealer_of(settings)
    sessions = SessionStore(pool, limits_of(settings))
    passwords = PasswordHashing()
    keys = ApiKeyStore(pool)
    key_use = KeyUse(keys.note_used, now_ms)
    remote_keys = RemoteKeys(partial(fetch, private=settings.issuers_private == 1), time.monotonic)
    tokens = Tokens(
        settings.token_issuer,
        TokenStores(
            TokenIssuerStore(pool), SigningKeyStore(pool, sealer), TokenRevocationStore(pool)
        ),
        remote_keys,
        clock_ms=now_ms,
        monotonic_s=time.monotonic,
    )
    async with AsyncExitStack() as stack:
        stack.callback(passwords.close)
        await pool.open()
        stack.push_async_callback(pool.close, CLOSE_S)
        await producer.start()
        stack.push_async_callback(producer.stop)
        await stack.enter_async_context(in_background(key_use.run))
        await stack.enter_async_context(in_background(partial(remote_keys.run, tokens.key_urls)))
        services = Services(
            settings=settings,
            preset_rules=PresetRules.from_settings(settings),
            producer=producer,
            database=PostgresDatabase(pool),
            keys=keys,
            key_use=key_use,
            tokens=tokens,
            partners=PartnerStore(pool, sealer, now_ms),
            deliveries=DeliveryStore(pool),
            refusals=RefusalStore(pool),
            partner_deliveries=PartnerDeliveryStore(pool),
            dead_letters=DeadLetterStore(pool),
            redrives=RedriveOnDemand(settings.kafka_bootstrap_servers, pool, now_ms),
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
            operators=OperatorStore(pool, sealer),
            logins=LoginStore(pool, sealer, sessions.ended_before),
            sessions=sessions,
            audit=AuditTrail(pool),
            passwords=passwords,
            pause=asyncio.sleep,
            clock_ms=now_ms,
            monotonic_s=time.monotonic,
        )
        stack.push_async_callback(stop_task, asyncio.create_task(services.refusal_log.run()))
        yield services


async def stop_task(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
