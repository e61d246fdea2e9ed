"""Every administrative write on a real Postgres: one entry with the change, none without it."""

import asyncio
import inspect
from typing import NamedTuple

import pytest

from domain.audit import verify
from infra.kafka.producer import KafkaUnavailable
from infra.postgres import (
    api_keys,
    dead_letters,
    partners,
    signing_keys,
    token_issuers,
    token_revocations,
)
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.audit import Actor, AuditTrail
from infra.postgres.dead_letters import DeadLetterStore, LetterFilter, numbers_text
from infra.postgres.migrate import migrate
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerStore, TooManyKeys
from infra.postgres.pool import create_pool
from infra.postgres.signing_keys import NewSigningKey, SigningKeyStore
from infra.postgres.token_issuers import TokenIssuer, TokenIssuerStore
from infra.postgres.token_revocations import TokenRevocationStore
from infra.redrive import AT_ONCE, Redriver
from infra.security.partner_keys import PUBLIC_KEY, KeysDoNotFit
from infra.security.sealing import Sealer
from infra.security.signing import create_seed
from infra.security.webhook_keys import Scheme
from infra.settings import Settings
from tests.integration.test_postgres_dead_letters import flush, letter
from tests.support.operators import KEY

ADA = Actor("operator", "ada", "request-1", "203.0.113.7")
NOW_MS = 1_767_300_000_000
ISSUER = "https://id.example.com/" + "x" * 232  # the longest that the command takes
MODULES = (api_keys, dead_letters, partners, signing_keys, token_issuers, token_revocations)
TABLES = (
    "partners", "partner_secrets", "api_keys", "dead_letters", "token_issuers", "signing_keys",
    "token_revocations", "audit_entries",
)  # fmt: skip


class Client:
    """Stands for a producer: says yes at once, or refuses."""

    def __init__(self):
        self.sent = []
        self.away = False

    async def send(self, topic, value, key, partition, headers):
        if self.away:
            raise KafkaUnavailable("away")
        self.sent.append(value)
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


class World:
    """All stores that people change something in."""

    def __init__(self, pool):
        self.pool = pool
        self.partners = PartnerStore(pool, Sealer(KEY), lambda: NOW_MS)
        self.keys = ApiKeyStore(pool)
        self.issuers = TokenIssuerStore(pool)
        self.signing_keys = SigningKeyStore(pool, Sealer(KEY))
        self.revocations = TokenRevocationStore(pool)
        self.dead_letters = DeadLetterStore(pool)
        self.client = Client()
        self.redriver = Redriver(pool, self.client, lambda: NOW_MS)

    async def entries(self):
        return [each async for batch in AuditTrail(self.pool).entries() for each in batch]

    async def dump(self):
        """Return everything in the tables that people change."""
        found = {}
        async with self.pool.connection() as connection:
            for table in TABLES:
                rows = await (await connection.execute(f"SELECT * FROM {table}")).fetchall()
                found[table] = sorted(rows, key=repr)
        return found

    async def letter(self, number):
        found = await self.dead_letters.fetch_page(LetterFilter(), 10)
        return next(each.letter_id for each in found if each.source_offset == number)

    async def redrive(self, number):
        ids = [await self.letter(number)]
        return [each async for each in self.redriver.redrive(ADA, ids)]

    async def discard(self, number):
        ids = [await self.letter(number)]
        return await self.dead_letters.discard(ADA, ids, at_ms=NOW_MS, note="known")


def a_key(key_id, created_at_ms=NOW_MS):
    return ApiKey(key_id, bytes(32), "app", ("progress:write",), None, created_at_ms)


def a_signing_key(kid):
    return NewSigningKey(kid, create_seed(), NOW_MS, NOW_MS)


AN_ISSUER = TokenIssuer(
    ISSUER, "tv", ("EdDSA",), "{}", None, ("progress:write",), "free", "sub", "JWT", 60, True, 1
)


class Write(NamedTuple):
    """One change, as the entry calls it; ``method`` is the store's.

    ``announced``: the entry that comes first, because the change is not one transaction.
    """

    action: str
    subject: str
    method: object
    make: object
    announced: tuple[str, ...] = ()


WRITES = (
    Write("partner.create", "acme", PartnerStore.create, lambda world: world.partners.create(
        ADA, NewPartner("acme", "generic"), [Key(SECRET, b"secret-of-acme")])),
    Write("partner.update", "acme", PartnerStore.change, lambda world: world.partners.change(
        ADA, "acme", {"tier": "pro", "schemes": (Scheme.V1, Scheme.V1A), "enabled": True})),
    Write("partner.disable", "acme", PartnerStore.change, lambda world: world.partners.change(
        ADA, "acme", {"enabled": False})),
    Write("partner.enable", "acme", PartnerStore.change, lambda world: world.partners.change(
        ADA, "acme", {"enabled": True})),
    Write("partner.rotate-secret", "acme", PartnerStore.rotate, lambda world: world.partners.rotate(
        ADA, "acme", Key(SECRET, b"newer-secret"), 1000)),
    Write("key.create", "k1", ApiKeyStore.create, lambda world: world.keys.create(
        ADA, a_key("k1"))),
    Write("key.rotate", "k1", ApiKeyStore.rotate, lambda world: world.keys.rotate(
        ADA, "k1", a_key("k2"), NOW_MS + 1000)),
    Write("key.revoke", "k2", ApiKeyStore.revoke, lambda world: world.keys.revoke(
        ADA, "k2", NOW_MS)),
    Write("issuer.add", ISSUER, TokenIssuerStore.add, lambda world: world.issuers.add(
        ADA, AN_ISSUER)),
    Write("issuer.disable", ISSUER, TokenIssuerStore.set_enabled, lambda world:
          world.issuers.set_enabled(ADA, ISSUER, enabled=False)),
    Write("issuer.enable", ISSUER, TokenIssuerStore.set_enabled, lambda world:
          world.issuers.set_enabled(ADA, ISSUER, enabled=True)),
    Write("issuer.remove", ISSUER, TokenIssuerStore.remove, lambda world: world.issuers.remove(
        ADA, ISSUER)),
    Write("signing-key.rotate", "s1", SigningKeyStore.rotate, lambda world:
          world.signing_keys.rotate(ADA, a_signing_key("s1"), NOW_MS)),
    Write("signing-key.retire", "s1", SigningKeyStore.retire, lambda world:
          world.signing_keys.retire(ADA, "s1", NOW_MS)),
    Write("token.revoke", "a user", TokenRevocationStore.revoke, lambda world:
          world.revocations.revoke(ADA, "user", "user-1", NOW_MS // 1000)),
    Write("token.revoke", "token " + "j" * 255, TokenRevocationStore.revoke, lambda world:
          world.revocations.revoke(ADA, "token", "j" * 255, NOW_MS // 1000)),
    Write("dead-letter.replay", "", Redriver.redrive, lambda world: world.redrive(1),
          ("dead-letter.replay-begin",)),
    Write("dead-letter.discard", "", DeadLetterStore.discard, lambda world: world.discard(2)),
)  # fmt: skip
STORES = (
    PartnerStore, ApiKeyStore, TokenIssuerStore, SigningKeyStore, TokenRevocationStore,
    DeadLetterStore, Redriver,
)  # fmt: skip


@pytest.fixture
async def world(fresh_database_url):
    migrate(fresh_database_url)
    settings = Settings(database_url=fresh_database_url)
    async with create_pool(settings, synchronous_commit=False) as pool:
        await flush(pool, letter(1), letter(2))
        yield World(pool)


def methods_with_an_actor(stores):
    return {
        method
        for store in stores
        for name, method in inspect.getmembers(store, inspect.isfunction)
        if not name.startswith("_") and "actor" in inspect.signature(method).parameters
    }


def test_every_write_of_the_stores_is_in_the_list():
    assert methods_with_an_actor(STORES) == {each.method for each in WRITES}


async def test_each_write_leaves_one_entry_and_the_trail_holds(world):
    expected = []
    for write in WRITES:
        before = await world.dump()
        await write.make(world)
        after = await world.dump()
        changed = {table for table in TABLES if before[table] != after[table]}
        assert "audit_entries" in changed
        assert len(changed) > 1, f"{write.action} changed nothing"
        entries = await world.entries()
        expected += [*write.announced, write.action]
        assert [each.action for each in entries] == expected
        entry = entries[-1]
        assert (entry.action, entry.actor, entry.actor_kind) == (write.action, "ada", "operator")
        assert (entry.request_id, entry.source) == (ADA.request_id, ADA.source)
        assert entry.subject == write.subject or write.subject == ""
        assert entry.before_sha256 != entry.after_sha256
    assert verify(await world.entries()) is None
    assert len(world.client.sent) == 1


async def test_a_change_that_is_rolled_back_leaves_none(world, monkeypatch):
    real = api_keys.append

    async def fails_after_the_entry(*arguments):
        await real(*arguments)
        raise ZeroDivisionError

    for write in WRITES:
        before = await world.dump()
        with monkeypatch.context() as patch:
            for module in MODULES:
                patch.setattr(module, "append", fails_after_the_entry)
            with pytest.raises(ZeroDivisionError):
                await write.make(world)
        assert await world.dump() == before, write.action
        await write.make(world)
    entries = await world.entries()
    count = len(WRITES) + sum(len(each.announced) for each in WRITES)
    assert [each.sequence for each in entries] == [*range(1, count + 1)]  # and no gap
    assert verify(entries) is None


async def test_what_is_refused_leaves_no_entry(world):
    for write in WRITES[:5]:
        await write.make(world)
    before = await world.dump()
    public = Key(PUBLIC_KEY, bytes(32))
    await world.partners.rotate(ADA, "acme", public, 1000)  # the third live key
    third = await world.dump()
    assert third != before
    refused = (
        (partners.PartnerExists, WRITES[0].make(world)),
        (partners.UnknownPartner, world.partners.change(ADA, "nobody", {"tier": "pro"})),
        (partners.UnknownPartner, world.partners.rotate(ADA, "nobody", public, 0)),
        (TooManyKeys, world.partners.rotate(ADA, "acme", public, 1000)),
        (api_keys.NoSuchPartner, world.keys.create(ADA, a_key("k9")._replace(partner="nobody"))),
    )
    for kind, attempt in refused:
        with pytest.raises(kind):
            await attempt
    attempts = (
        world.keys.revoke(ADA, "nobody", NOW_MS),
        world.keys.rotate(ADA, "nobody", a_key("k9"), NOW_MS),
        world.issuers.set_enabled(ADA, "nobody", enabled=True), world.issuers.remove(ADA, "nobody"),
        world.signing_keys.retire(ADA, "nobody", NOW_MS),
        world.dead_letters.discard(ADA, [10**9], at_ms=NOW_MS, note="x"),
    )  # fmt: skip
    assert [bool(await attempt) for attempt in attempts] == [False] * len(attempts)
    assert [each async for each in world.redriver.redrive(ADA, [10**9])] == [([], [])]
    assert await world.dump() == third


async def test_keys_are_judged_under_the_lock_of_the_change(world):
    await world.partners.create(ADA, NewPartner("acme", "generic"), [Key(SECRET, b"s" * 32)])
    before = await world.dump()
    with pytest.raises(KeysDoNotFit, match="no live key for v1a"):
        await world.partners.change(ADA, "acme", {"schemes": (Scheme.V1A,)})
    with pytest.raises(KeysDoNotFit, match="does not sign by v1a"):
        await world.partners.rotate(ADA, "acme", Key(PUBLIC_KEY, bytes(32)), 0)
    assert await world.dump() == before


async def test_a_letter_that_kafka_did_not_take_stays_open_and_has_the_announcement_alone(world):
    world.client.away = True
    before = await world.dump()
    with pytest.raises(KafkaUnavailable):
        await world.redrive(1)
    after = await world.dump()
    assert [each.action for each in await world.entries()] == ["dead-letter.replay-begin"]
    assert after | {"audit_entries": []} == before


async def test_a_redrive_that_is_cut_off_has_entries_of_exactly_what_it_did(world):
    await flush(world.pool, *(letter(number) for number in range(3, 100)))
    ids = await world.dead_letters.find_open(LetterFilter(), 10_000)

    async def until_kafka_goes_away():
        outcomes = []
        async for outcome in world.redriver.redrive(ADA, ids):
            outcomes.append(outcome)
            world.client.away = len(outcomes) == 2

    with pytest.raises(KafkaUnavailable):
        await until_kafka_goes_away()
    redriven = LetterFilter(state="redriven")
    done = [each.letter_id for each in await world.dead_letters.fetch_page(redriven, 1000)]
    few = [sorted(ids[first : first + AT_ONCE]) for first in (0, AT_ONCE)]
    assert sorted(done) == sorted([*few[0], *few[1]])
    entries = await world.entries()
    assert [(each.action, each.subject) for each in entries] == [
        ("dead-letter.replay-begin", numbers_text(sorted(ids))),
        ("dead-letter.replay", numbers_text(few[0])), ("dead-letter.replay", numbers_text(few[1])),
    ]  # fmt: skip
    assert {each.request_id for each in entries} == {ADA.request_id}


async def test_many_letters_have_one_entry_that_names_them_in_short(world):
    await flush(world.pool, *(letter(number) for number in range(3, 1500, 1)))
    ids = sorted(await world.dead_letters.find_open(LetterFilter(), 10_000))
    odd = ids[::2]
    await world.dead_letters.discard(ADA, odd, at_ms=NOW_MS, note="x")
    [entry] = await world.entries()
    assert entry.subject.startswith(f"{odd[0]},{odd[1]},")
    assert entry.subject.endswith(f",... {len(odd)} in all")


async def test_pages_of_partners_and_keys_hold_each_once(world):
    for name in ("c", "a", "b"):
        await world.partners.create(ADA, NewPartner(name, "generic"), [Key(SECRET, b"s" * 32)])
        await world.keys.create(ADA, a_key(name, created_at_ms=7))
    await world.keys.create(ADA, a_key("d", created_at_ms=9))
    first = await world.partners.page(2)
    assert [each.partner for each in first] == ["a", "b"]
    assert [each.partner for each in await world.partners.page(2, "b")] == ["c"]
    view = await world.partners.view("a")
    assert view == first[0]
    [key] = view.keys
    assert (key.kind, key.created_at_ms, key.valid_until_ms) == ("secret", NOW_MS, None)
    assert await world.partners.view("nobody") is None
    newest = await world.keys.page(2)
    assert [each.key_id for each in newest] == ["d", "c"]
    after = api_keys.KeyCursor(7, "c")
    assert [each.key_id for each in await world.keys.page(9, after)] == ["b", "a"]
