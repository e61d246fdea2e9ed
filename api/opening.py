"""Settings -> services: the pool, the producer and everything that works with them, opened once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from api.background import in_background
from api.forgetting import forget
from api.identity.key_use import KeyUse
from api.identity.tokens import Tokens, TokenStores
from api.limits.limiter import open_limiter
from api.presets import PresetRules
from api.services import Services
from infra.issuers.fetching import fetch
from infra.issuers.remote_keys import RemoteKeys
from infra.kafka.cluster import cluster_of
from infra.kafka.producer import EventProducer
from infra.postgres.api_keys import ApiKeyStore
from infra.postgres.attributes import AttributeStore
from infra.postgres.audit import AuditTrail
from infra.postgres.contents import ContentStore
from infra.postgres.dead_letters import DeadLetterStore
from infra.postgres.embeddings import EmbeddingStore
from infra.postgres.erasures import ErasureStore
from infra.postgres.models import ModelStore
from infra.postgres.neighbours import NeighbourStore
from infra.postgres.operator_logins import LoginStore
from infra.postgres.operator_sessions import SessionStore, limits_of
from infra.postgres.operators import OperatorStore
from infra.postgres.partner_deliveries import PartnerDeliveryStore
from infra.postgres.partners import PartnerStore
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
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import Sealer, sealer_of
from infra.settings import Settings
from infra.wall_clock import now_ms

CLOSE_S = 3.0
STATEMENT_TIMEOUT_MS = 3000  # an answer or a 503 comes well within a caller's patience


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
    cluster = cluster_of(settings)
    timeout_ms, linger_ms = settings.produce_timeout_ms, settings.api_linger_ms
    producer = EventProducer(cluster, timeout_ms=timeout_ms, linger_ms=linger_ms)
    limiter = open_limiter(settings, time.monotonic)
    sealer = sealer_of(settings)
    sessions = SessionStore(pool, limits_of(settings))
    passwords = PasswordHashing()
    keys = ApiKeyStore(pool)
    key_use = KeyUse(keys.note_used, now_ms)
    remote_keys = RemoteKeys(partial(fetch, private=settings.issuers_private == 1), time.monotonic)
    tokens = create_tokens(settings, pool, sealer, remote_keys)
    async with AsyncExitStack() as stack:
        stack.callback(passwords.close)
        stack.push_async_callback(limiter.close)
        await pool.open()
        stack.push_async_callback(pool.close, CLOSE_S)
        await producer.start()
        stack.push_async_callback(producer.stop)
        await stack.enter_async_context(in_background(key_use.run))
        await stack.enter_async_context(in_background(partial(remote_keys.run, tokens.key_urls)))
        deliveries = DeliveryStore(pool)
        services = Services(
            settings=settings,
            preset_rules=PresetRules.from_settings(settings),
            producer=producer,
            database=PostgresDatabase(pool),
            keys=keys,
            key_use=key_use,
            tokens=tokens,
            partners=PartnerStore(pool, sealer, now_ms),
            deliveries=deliveries,
            refusals=RefusalStore(pool),
            partner_deliveries=PartnerDeliveryStore(pool),
            dead_letters=DeadLetterStore(pool),
            redrives=RedriveOnDemand(cluster, pool, now_ms),
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
            erasures=ErasureStore(pool),
            pseudonyms=Pseudonyms(settings.erasure_key),
            logins=LoginStore(pool, sealer, sessions.ended_before),
            sessions=sessions,
            audit=AuditTrail(pool),
            passwords=passwords,
            pause=asyncio.sleep,
            limiter=limiter,
            clock_ms=now_ms,
            monotonic_s=time.monotonic,
        )
        stack.push_async_callback(deliveries.close)
        stack.push_async_callback(stop_task, asyncio.create_task(services.refusal_log.run()))
        await stack.enter_async_context(in_background(partial(forget, services)))
        yield services


def create_tokens(
    settings: Settings, pool: Pool, sealer: Sealer, remote_keys: RemoteKeys
) -> Tokens:
    """Return what issues and believes tokens."""
    stores = TokenStores(
        TokenIssuerStore(pool),
        SigningKeyStore(pool, sealer),
        TokenRevocationStore(pool),
        Pseudonyms(settings.erasure_key),
    )
    return Tokens(
        settings.token_issuer, stores, remote_keys, clock_ms=now_ms, monotonic_s=time.monotonic
    )


async def stop_task(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
