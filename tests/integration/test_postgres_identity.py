"""The stores of keys, signing keys and revocations on a real Postgres."""

import base64

import pytest

from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.postgres.signing_keys import NewSigningKey, SigningKeyStore
from infra.postgres.token_revocations import (
    KEPT_S,
    TokenRevocation,
    TokenRevocationStore,
    purge,
)
from infra.security.sealing import Sealer, SealingError
from infra.security.signing import create_seed, public_x
from infra.settings import Settings
from tests.support.operators import CLI

SEALER = Sealer(base64.b64encode(bytes(32)).decode())
HOUR_MS = 3_600_000


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


def a_key(key_id, **changes):
    return ApiKey(key_id, bytes(32), "app", ("progress:write",), None, 0)._replace(**changes)


async def test_last_uses_are_written_in_one_group_and_never_go_back(pool):
    store = ApiKeyStore(pool)
    for key_id in ("a", "b"):
        await store.create(CLI, a_key(key_id))
    await store.note_used({"a": 5, "b": 7, "unknown": 9})
    await store.note_used({"a": 4, "b": 8})
    assert [(key.key_id, key.last_used_at_ms) for key in await store.list_all()] == [
        ("a", 5), ("b", 8)
    ]  # fmt: skip


async def test_a_rotation_ends_the_old_key_at_the_earlier_of_two_times(pool):
    store = ApiKeyStore(pool)
    await store.create(CLI, a_key("old", expires_at_ms=50))
    assert await store.rotate(CLI, "old", a_key("new", created_at_ms=10), 100)
    assert (await store.find("old")).expires_at_ms == 50
    assert await store.rotate(CLI, "new", a_key("newer", created_at_ms=20), 100)
    assert (await store.find("new")).expires_at_ms == 100
    for ended in ("old", "unknown"):
        assert not await store.rotate(CLI, ended, a_key("none", created_at_ms=60), 100)
    assert await store.revoke(CLI, "newer", 70)
    assert not await store.rotate(CLI, "newer", a_key("none", created_at_ms=80), 100)
    assert await store.find("none") is None


async def test_the_newest_key_that_may_sign_signs(pool):
    store = SigningKeyStore(pool, SEALER)
    assert await store.current(0) is None
    seed = create_seed()
    await store.rotate(CLI, NewSigningKey("one", seed, 0, 0), HOUR_MS)
    await store.rotate(CLI, NewSigningKey("two", create_seed(), 100, 1000), 1000 + HOUR_MS)
    assert (await store.current(999)).kid == "one"
    assert (await store.current(1000)).kid == "two"
    one, two = await store.list_published(HOUR_MS - 1)
    assert (one.kid, one.x, one.ends_at_ms) == ("one", public_x(seed), 1000 + HOUR_MS)
    assert (two.kid, two.signs_from_ms, two.ends_at_ms) == ("two", 1000, None)
    assert [key.kid for key in await store.list_published(1000 + HOUR_MS)] == ["two"]
    assert await store.retire(CLI, "two", 2000)
    assert not await store.retire(CLI, "two", 3000)
    assert (await store.current(2000)).kid == "one"


async def test_a_signing_key_opens_with_its_secrets_key_only(pool):
    await SigningKeyStore(pool, SEALER).rotate(
        CLI, NewSigningKey("one", create_seed(), 0, 0), HOUR_MS
    )
    other = Sealer(base64.b64encode(bytes(range(32))).decode())
    for sealer in (other, Sealer("")):
        with pytest.raises(SealingError):
            await SigningKeyStore(pool, sealer).current(0)
    with pytest.raises(SealingError):
        await SigningKeyStore(pool, Sealer("")).rotate(
            CLI, NewSigningKey("two", create_seed(), 0, 0), HOUR_MS
        )


async def test_revocations_are_kept_as_long_as_a_token_can_live(pool):
    store = TokenRevocationStore(pool)
    await store.revoke(CLI, "user", "u", 1000)
    await store.revoke(CLI, "token", "t", 1000)
    await store.revoke(CLI, "user", "u", 2000)
    await store.revoke(CLI, "user", "u", 1500)  # by a host whose clock is late
    live = [TokenRevocation("token", "t", 1000), TokenRevocation("user", "u", 2000)]
    assert await store.list_live(1000 + KEPT_S - 1) == live
    assert await store.list_live(1000 + KEPT_S) == live[1:]
    assert await purge(pool, (1000 + KEPT_S) * 1000) == 1
    assert await purge(pool, (1000 + KEPT_S) * 1000) == 0
    assert await store.list_live(0) == live[1:]
