"""What a fuzzer of administration may change on a running stack: made for it, nobody else's."""

import json
from dataclasses import asdict, dataclass

from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.dead_letters import DeadLetter, DeadLetterStore, LetterFilter
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerStore
from infra.postgres.pool import Pool, create_pool
from infra.security.keys import USER_SCOPES, create_key
from infra.security.sealing import Sealer
from infra.security.webhook_keys import create_secret, format_secret
from infra.settings import Settings
from infra.wall_clock import now_ms
from tests.support.operators import CLI, KEY
from tests.support.shared_stack import SharedStack, added, key_headers, post, signed, watched
from tests.support.waiting import wait_until_async

PARTNER = "fuzzed"
KEYS = 40  # each can be revoked once
LETTERS = 40  # each can be redriven, or discarded, once
USERS = ("fuzzed-user", "fuzzed-user-2", "fuzzed-user-3")
READ_MAX = 1000


@dataclass(frozen=True, kw_only=True)
class Administered:
    """Names and ids of what was made, and of what was there before and belongs to others."""

    partners: tuple[str, ...]
    keys: tuple[str, ...]
    letters: tuple[int, ...]
    users: tuple[str, ...]
    others_partners: tuple[str, ...]
    others_keys: tuple[str, ...]

    def to_json(self) -> str:
        """Return it for the process that fuzzes."""
        return json.dumps(asdict(self))


async def add_administered(stack: SharedStack, database_url: str) -> Administered:
    """Make a partner with dead letters, API keys and users with a history."""
    pool = create_pool(Settings(database_url=database_url))
    await pool.open()
    try:
        partners, keys = PartnerStore(pool, Sealer(KEY), now_ms), ApiKeyStore(pool)
        others = (
            tuple(each.partner for each in await partners.page(READ_MAX)),
            tuple(each.key_id for each in await keys.list_all()),
        )
        secret = create_secret()
        new = NewPartner(PARTNER, "generic", tier="enterprise")
        await partners.create(CLI, new, [Key(SECRET, secret)])
        for user in USERS:
            event = watched(f"event-of-{user}") | {"user_id": user}
            assert post(stack, "/api/v1/progress", [event], key_headers(stack)) == 202
        return Administered(
            partners=(PARTNER,),
            keys=tuple([await add_key(keys) for _ in range(KEYS)]),
            letters=await add_letters(stack, pool, format_secret(secret)),
            users=USERS,
            others_partners=others[0],
            others_keys=others[1],
        )
    finally:
        await pool.close()


async def add_key(keys: ApiKeyStore) -> str:
    """Add a key that nobody uses; return its id."""
    new = create_key()
    await keys.create(CLI, ApiKey(new.key_id, new.sha256, PARTNER, USER_SCOPES, None, now_ms()))
    return new.key_id


async def add_letters(stack: SharedStack, pool: Pool, secret: str) -> tuple[int, ...]:
    """Post webhooks that no catalogue takes; return the ids of their dead letters."""
    for number in range(LETTERS):
        event = added(f"fuzzed-{number}", "Heat")
        event["payload"] |= {"runtime_s": "long"}
        headers = signed(secret, f"fuzzed_{number}", json.dumps(event).encode())
        assert post(stack, f"/api/v1/webhooks/{PARTNER}", event, headers) == 202
    store, wanted = DeadLetterStore(pool), LetterFilter(partner=PARTNER)

    async def all_of_them() -> list[DeadLetter]:
        found = await store.fetch_page(wanted, READ_MAX)
        return found if len(found) == LETTERS else []

    found = await wait_until_async(all_of_them, 60, "the dead letters of the fuzzed partner")
    return tuple(letter.letter_id for letter in found)
