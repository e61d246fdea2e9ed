"""Erasures against a real Postgres: rows go, older ones stay away, the search finds all columns."""

import base64
import os

import pytest

from agents.serving import flush_slates, flush_watch_states
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.audit import Actor, AuditTrail, Filter
from infra.postgres.erasures import ErasureStore, Receipt
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.postgres.receipt_keys import ReceiptKeyStore
from infra.privacy.catalogue import TABLES
from infra.privacy.tables import count_rows, delete_rows, search_tables
from infra.privacy.words import Word
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import Sealer, SealingError
from infra.settings import Settings
from tests.component.api.fakes import a_state
from tests.integration.test_postgres_serving import a_slate, record
from topics.catalog import SLATES, WATCH_STATES

KEY = base64.b64encode(bytes(32)).decode()
NAMES = Pseudonyms(KEY)
ERASED_AT_MS = 1000
ACTOR = Actor("cli", "cli:test")


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


async def rows(pool, table):
    async with pool.connection() as connection:
        found = await (await connection.execute(f"SELECT user_id FROM {table}")).fetchall()
    return sorted(user for (user,) in found)


def state(user_id="user-1", at_ms=500, content_id="film-1"):
    return a_state(content_id, user_id=user_id, updated_at_ms=at_ms)


async def fill(pool):
    states = [state(), state(content_id="film-2"), state("user-2")]
    records = [record(WATCH_STATES, n, each) for n, each in enumerate(states)]
    await flush_watch_states(pool, records, NAMES)
    slates = [a_slate(), a_slate("user-2")]
    await flush_slates(pool, [record(SLATES, n, each) for n, each in enumerate(slates)], NAMES)


def tombstones(*keys, start=10, topic=WATCH_STATES):
    return [record(topic, n, None, key) for n, key in enumerate(keys, start)]


async def test_tombstones_delete_rows_and_the_viewer_with_the_last_one(pool):
    await fill(pool)
    await flush_watch_states(pool, tombstones("user-1|film-1"), NAMES)
    assert await rows(pool, "viewers") == ["user-1", "user-2"]
    await flush_watch_states(pool, tombstones("user-1|film-2", start=11), NAMES)
    await flush_slates(pool, tombstones("user-1", topic=SLATES), NAMES)
    for table in ("watch_states", "viewers", "slates"):
        assert await rows(pool, table) == ["user-2"], table


async def test_in_one_batch_with_older_states_nothing_is_left(pool):
    batch = [
        record(WATCH_STATES, 0, state()), record(WATCH_STATES, 1, state("user-2")),
        *tombstones("user-1|film-1"), *tombstones("never|film-1", start=11),
    ]  # fmt: skip
    await flush_watch_states(pool, batch, NAMES)
    slates = [record(SLATES, 0, a_slate()), *tombstones("user-1", topic=SLATES)]
    await flush_slates(pool, slates, NAMES)
    assert await rows(pool, "watch_states") == await rows(pool, "viewers") == ["user-2"]
    assert await rows(pool, "slates") == []


@pytest.mark.parametrize("key", [KEY, ""])
async def test_an_older_record_cannot_bring_a_row_back_and_a_new_user_can(pool, key):
    await fill(pool)
    await ErasureStore(pool).record(ACTOR, Pseudonyms(key).of("user-1"), ERASED_AT_MS)
    await flush_watch_states(pool, tombstones("user-1|film-1", "user-1|film-2"), NAMES)
    await flush_slates(pool, tombstones("user-1", topic=SLATES), NAMES)
    await fill(pool)  # a worker that was paused wakes up
    for table in ("watch_states", "viewers", "slates"):
        assert await rows(pool, table) == (["user-2"]), table
    await flush_watch_states(pool, [record(WATCH_STATES, 20, state(at_ms=ERASED_AT_MS + 1))], NAMES)
    again = a_slate(as_of_ms=ERASED_AT_MS + 1)
    await flush_slates(pool, [record(SLATES, 20, again)], NAMES)
    for table in ("watch_states", "viewers", "slates"):
        assert await rows(pool, table) == ["user-1", "user-2"], table


async def test_a_tombstone_older_than_the_row_deletes_nothing(pool):
    await flush_watch_states(pool, [record(WATCH_STATES, 30, state())], NAMES)
    await flush_watch_states(pool, tombstones("user-1|film-1"), NAMES)
    assert await rows(pool, "watch_states") == await rows(pool, "viewers") == ["user-1"]


async def test_every_table_with_users_is_declared(pool):
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND column_name = 'user_id'"
        )
        found = {name for (name,) in await cursor.fetchall()}
    assert found == {table.name for table in TABLES}


async def test_rows_are_counted_deleted_and_found_in_every_kind_of_column(pool):
    await fill(pool)
    keys = ApiKeyStore(pool)
    for key_id, user in (("aaaaaaaa", "user-1"), ("bbbbbbbb", None), ("cccccccc", "user-12")):
        await keys.create(
            ACTOR, ApiKey(key_id, os.urandom(32), "phone", ("progress:write",), user, 400)
        )
    assert await count_rows(pool, "user-1", ERASED_AT_MS) == {
        "watch_states": 2, "viewers": 1, "slates": 1, "api_keys": 1,
        "dead_letters": 0,
    }  # fmt: skip
    assert (await count_rows(pool, "user-1", 450))["watch_states"] == 0
    async with pool.connection() as connection:
        await connection.execute("CREATE TABLE strange (a jsonb, b bytea, c text[], d int)")
        await connection.execute(
            "INSERT INTO strange VALUES ('{\"by\": [\"user-1\"]}', 'x user-1 y', '{user-1}', 1), "
            "('{\"user-12\": 1}', 'user-12', '{user-12}', 1)"
        )
    found = {each.table: each for each in await search_tables(pool, Word("user-1"))}
    assert found.keys() == {"watch_states", "viewers", "slates", "api_keys", "strange"}
    assert found["strange"].columns == ("a", "b", "c")
    assert found["strange"].rows == 1
    assert found["watch_states"].columns == ("body", "user_id")
    assert found["watch_states"].newest_ms == 500
    await delete_rows(pool, "user-1", ERASED_AT_MS)
    left = await keys.list_all()
    assert [key.user_id for key in left] == [None, "user-12"]
    assert (await count_rows(pool, "user-1", ERASED_AT_MS))["watch_states"] == 2  # a sink's work


async def test_a_repeated_erasure_is_later_whatever_the_clock_says(pool):
    store = ErasureStore(pool)
    assert (await store.record(ACTOR, "p", 1000)).erased_at_ms == 1000
    assert (await store.record(ACTOR, "p", 900)).erased_at_ms == 1001
    assert (await store.record(ACTOR, "p", 5000)).erased_at_ms == 5000
    assert await store.erased_at(["p", "q"]) == 5000
    assert await store.erased_at(["q"]) is None
    await store.note_receipt(ACTOR, "p", Receipt("r1", b"d" * 32, 6000))
    assert await store.find(["q", "p"]) == ("p", 5000, 3, "r1", b"d" * 32, 6000)
    assert await store.find(["q"]) is None
    entries = await AuditTrail(pool).page(Filter(), 10)
    assert [each.action for each in entries] == ["user.erase"] * 4
    assert await store.fetch_since(5001) == []
    assert list(await store.fetch_since(5000)) == [("p", 5000)]


async def test_a_signing_key_is_made_once_and_sealed(pool):
    store = ReceiptKeyStore(pool, Sealer(KEY))
    key = await store.current(1)
    assert await store.current(2) == key
    assert await store.public_key(key.key_id) == key.public
    assert await store.public_key("unknown") is None
    other = base64.b64encode(bytes([1]) * 32).decode()
    with pytest.raises(SealingError):
        await ReceiptKeyStore(pool, Sealer(other)).current(3)
