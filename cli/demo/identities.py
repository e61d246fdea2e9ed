"""The demo's partners and API key: made once, remembered, and checked against the database.

Secrets and keys are made the way ``media-gateway partner create`` and ``key create`` make them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cli.actor import cli_actor
from cli.demo.memory import Memory
from cli.demo.posting import Partner
from domain.partner_limits import DELIVERIES_PER_S_MAX
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerStore
from infra.postgres.pool import create_pool
from infra.security import keys, webhook_keys
from infra.security.sealing import sealer_of
from infra.settings import Settings
from infra.wall_clock import now_ms

KEY_NAME = "demo"


@dataclass(frozen=True, slots=True)
class Identities:
    """Who the demo posts as."""

    partners: Mapping[str, Partner]
    api_key: str


async def prepare(settings: Settings, memory: Memory, mappers: Mapping[str, str]) -> Identities:
    """Make sure that the partners and the key exist, and that ``memory`` knows their secrets.

    Args:
        settings: ``database_url`` is set and migrated.
        memory: what an earlier run made; updated in place, not saved.
        mappers: partner name -> mapper.
    """
    pool = create_pool(settings)
    await pool.open()
    try:
        store = PartnerStore(pool, sealer_of(settings), now_ms)
        for name, mapper in mappers.items():
            await _ensure_partner(store, name, mapper, memory)
        await _ensure_key(ApiKeyStore(pool), memory)
    finally:
        await pool.close()
    partners = {
        name: Partner(name, webhook_keys.parse_secret(memory.partner_secrets[name]))
        for name in mappers
    }
    return Identities(partners, memory.api_key)


async def _ensure_partner(store: PartnerStore, name: str, mapper: str, memory: Memory) -> None:
    known = await store.find(name)
    remembered = memory.partner_secrets.get(name)
    if known and remembered and webhook_keys.parse_secret(remembered) in known.keyring.secrets:
        return
    secret = webhook_keys.create_secret()
    if known is None:
        new = NewPartner(name, mapper, deliveries_per_s=DELIVERIES_PER_S_MAX)
        await store.create(cli_actor(), new, [Key(SECRET, secret)])
    else:  # nobody remembers the older secrets: they end now
        await store.rotate(cli_actor(), name, Key(SECRET, secret), overlap_ms=0)
    memory.partner_secrets[name] = webhook_keys.format_secret(secret)


async def _ensure_key(store: ApiKeyStore, memory: Memory) -> None:
    key_id = keys.parse_key_id(memory.api_key)
    known = await store.find(key_id) if key_id else None
    if known and known.revoked_at_ms is None and keys.matches(memory.api_key, known.key_sha256):
        return
    new = keys.create_key()
    key = ApiKey(new.key_id, new.sha256, KEY_NAME, keys.USER_SCOPES, None, now_ms())
    await store.create(cli_actor(), key)
    memory.api_key = new.text
