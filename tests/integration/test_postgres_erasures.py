"""Erasures against a real Postgres: rows go, older ones stay away, the search finds all columns."""

import base64
import os

import pytest

from agents.serving import flush_slates, flush_watch_states
from domain.dead_letters import Failure, Origin, letter_headers, pack_headers
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.audit import Actor, AuditTrail, Filter
from infra.postgres.erasures import ErasureStore, Receipt
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.postgres.receipt_keys import ReceiptKeyStore
from infra.postgres.token_revocations import TokenRevocationStore
from infra.privacy.catalogue import TABLES
from infra.privacy.tables import count_left, search_tables
from infra.privacy.words import Word
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import Sealer, SealingError
from infra.settings import Settings
from tests.component.api.fakes import a_state
from tests.integration.test_postgres_serving import a_slate, record
from topics.catalog import PROGRESS, SLATES, WATCH_STATES

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
    assert found == {table.name for table in TABLES if table.user == "user_id"}


ENDS = {WATCH_STATES.name: 0, PROGRESS.name: 0, SLATES.name: 0}


async def test_rows_are_counted_deleted_and_found_in_every_kind_of_column(pool):
    await fill(pool)
    keys = ApiKeyStore(pool)
    for key_id, user in (("aaaaaaaa", "user-1"), ("bbbbbbbb", None), ("cccccccc", "user-12")):
        await keys.create(
            ACTOR, ApiKey(key_id, os.urandom(32), "phone", ("progress:write",), user, 400)
        )
    await TokenRevocationStore(pool).revoke(ACTOR, "user", "user-1", 1)
    assert await count_left(pool, "user-1", ERASED_AT_MS, ENDS) == {
        "watch_states": 2, "viewers": 1, "slates": 1, "api_keys": 1,
        "dead_letters": 0, "token_revocations": 1,
    }  # fmt: skip
    assert (await count_left(pool, "user-1", 450, ENDS))["watch_states"] == 0
    async with pool.connection() as connection:
        await connection.execute("CREATE TABLE strange (a jsonb, b bytea, c text[], d int)")
        await connection.execute(
            "INSERT INTO strange VALUES ('{\"by\": [\"user-1\"]}', 'x user-1 y', '{user-1}', 1), "
            "('{\"user-12\": 1}', 'user-12', '{user-12}', 1)"
        )
    found = {each.table: each for each in await search_tables(pool, Word("user-1"))}
    assert found.keys() == {
        "watch_states", "viewers", "slates", "api_keys", "token_revocations", "strange",
    }  # fmt: skip
    assert found["strange"].columns == ("a", "b", "c")
    assert found["strange"].rows == 1
    assert found["watch_states"].columns == ("body", "user_id")
    assert found["watch_states"].oldest_ms == 500
    assert [each.table for each in found.values() if not each.declared] == ["strange"]
    erasures, name = ErasureStore(pool), NAMES.of("user-1")
    noted = await erasures.record(ACTOR, name, ERASED_AT_MS)
    await erasures.delete_rows("user-1", name, noted.erased_at_ms)
    assert await erasures.removed(name) == {"api_keys": 1, "token_revocations": 1}
    left = await keys.list_all()
    assert [key.user_id for key in left] == [None, "user-12"]
    left = await count_left(pool, "user-1", ERASED_AT_MS, ENDS)
    assert left["watch_states"] == 2  # a sink's work


async def test_a_row_ahead_of_the_clock_is_counted_by_its_place(pool):
    ahead = state(at_ms=ERASED_AT_MS + 60_000)
    await flush_watch_states(pool, [record(WATCH_STATES, 4, ahead)], NAMES)
    assert (await count_left(pool, "user-1", ERASED_AT_MS, ENDS))["watch_states"] == 0
    left = await count_left(pool, "user-1", ERASED_AT_MS, {**ENDS, WATCH_STATES.name: 5})
    assert left["watch_states"] == 1


async def test_what_sinks_delete_is_counted_until_a_receipt_tells_of_it(pool):
    await fill(pool)
    ahead = state(at_ms=ERASED_AT_MS + 60_000, content_id="film-3")
    await flush_watch_states(pool, [record(WATCH_STATES, 4, ahead)], NAMES)
    store, name = ErasureStore(pool), NAMES.of("user-1")
    first = await store.record(ACTOR, name, ERASED_AT_MS)
    assert first == (ERASED_AT_MS, 1, ERASED_AT_MS, None)
    keys = [f"user-1|film-{number}" for number in (1, 2, 3)]
    for _ in range(2):  # a redelivery deletes nothing more, and counts nothing more
        await flush_watch_states(pool, [*tombstones(*keys), *tombstones("x|y", start=20)], NAMES)
        await flush_slates(pool, tombstones("user-1", topic=SLATES), NAMES)
    again = await store.record(ACTOR, name, ERASED_AT_MS + 5)
    assert again == (ERASED_AT_MS + 5, 2, ERASED_AT_MS, ERASED_AT_MS)
    assert await store.removed(name) == {"watch_states": 3, "viewers": 1, "slates": 1}
    await store.note_receipt(ACTOR, name, again.erased_at_ms, Receipt("r1", b"d" * 32, 6000))
    assert await store.removed(name) == {}
    third = await store.record(ACTOR, name, 9000)
    assert third == (9000, 4, 9000, ERASED_AT_MS + 5)


async def test_an_erasure_revokes_tokens_by_pseudonym_and_never_moves_back(pool):
    store, name = ErasureStore(pool), NAMES.of("user-1")
    await store.record(ACTOR, name, 7_500_000)
    await store.record(ACTOR, name, 2_000_000)
    assert await TokenRevocationStore(pool).list_live(8000) == [("erased", name, 7500)]


async def test_a_word_that_is_also_an_id_is_no_row_of_that_user(pool):
    await fill(pool)
    key = ApiKey("aaaaaaaa", os.urandom(32), "film-1", ("progress:write",), None, 400, tier="pro")
    await ApiKeyStore(pool).create(ACTOR, key)
    for word in ("film-1", "pro", "progress:write"):
        found = await search_tables(pool, Word(word))
        assert {each.declared for each in found} == {False}, word


async def test_a_dead_letter_that_names_nobody_is_searched_and_one_of_a_partner_is_not(pool):
    insert = (
        "INSERT INTO dead_letters (source_topic, source_partition, source_offset, version, agent, "
        "reason, detail, failed_at_ms, headers, attempts, value, partner) "
        "VALUES ('t', 0, %s, 1, 'a', 'decode', 'd', 400, '', 1, %s, %s)"
    )
    async with pool.connection() as connection:
        await connection.execute(insert, (1, b"not JSON, user-1", None))
        await connection.execute(insert, (2, b'{"type": "movie"}', "acme"))
    [found] = await search_tables(pool, Word("user-1"))
    assert (found.table, found.columns, found.declared) == ("dead_letters", ("value",), True)
    [found] = await search_tables(pool, Word("movie"))
    assert (found.table, found.declared) == ("dead_letters", False)


async def test_letters_of_before_are_deleted_whenever_they_were_written(pool):
    insert = (
        "INSERT INTO dead_letters (source_topic, source_partition, source_offset, version, agent, "
        "reason, detail, failed_at_ms, headers, attempts, key, value, user_id, partner) "
        "VALUES ('t', 0, %s, 1, 'a', 'decode', 'd', %s, %s, 1, %s, %s, %s, %s)"
    )

    def packed(at_ms):
        failure = Failure("a", "decode", "d")
        return pack_headers(letter_headers(Origin("t", 0, 1), at_ms, [], failure))

    later = ERASED_AT_MS + 9
    old = b'{"user_id":"user-1","occurred_at_ms":%d}' % ERASED_AT_MS
    new = b'{"user_id":"user-1","occurred_at_ms":%d}' % later
    gone = [
        (packed(500), b"user-1", b"{}", "user-1", None),  # rejected after the erasure
        (packed(later), b"user-1", old, "user-1", None),
        (packed(500), None, b"not JSON, user-1", None, None),  # names nobody
        (packed(500), b"user-1|film-1", None, None, None),
        (b"", b"user-1|film-1", None, None, None),
    ]
    kept = [
        (packed(later), b"user-1", new, "user-1", None),
        (packed(later), b"user-1|x", b"not JSON", None, None),
        (packed(500), None, b"not JSON, user-12", None, None),
        (packed(500), None, b"user-1", None, "acme"),
        (packed(500), b"user-1", b"{}", "user-2", None),
    ]
    async with pool.connection() as connection:
        for number, row in enumerate([*gone, *kept]):
            await connection.execute(insert, (number, later, *row))
    store, name = ErasureStore(pool), NAMES.of("user-1")
    noted = await store.record(ACTOR, name, ERASED_AT_MS)
    found = {each.declared: each for each in await search_tables(pool, Word("user-1"))}
    assert (found[True].rows, found[True].oldest_ms) == (len(gone) + 2, None)
    left = await count_left(pool, "user-1", noted.erased_at_ms, ENDS)
    assert left["dead_letters"] == len(gone)
    await store.delete_rows("user-1", name, noted.erased_at_ms)
    assert await store.removed(name) == {"dead_letters": len(gone)}
    assert (await count_left(pool, "user-1", noted.erased_at_ms, ENDS))["dead_letters"] == 0
    async with pool.connection() as connection:
        query = "SELECT source_offset FROM dead_letters ORDER BY 1"
        rows = await (await connection.execute(query)).fetchall()
    assert [number for (number,) in rows] == list(range(len(gone), len(gone) + len(kept)))
    found = {each.declared: each for each in await search_tables(pool, Word("user-1"))}
    assert (found[True].rows, found[True].oldest_ms) == (2, later)  # the user who came back


async def test_statistics_that_name_a_user_are_found(pool):
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE viewers ALTER user_id SET STATISTICS 10")
        await connection.execute(
            "INSERT INTO viewers SELECT 'user-' || u, 1, 1, '{}', 1 FROM generate_series(1, 9) u"
        )
        await connection.execute("ALTER TABLE slates ALTER body SET STATISTICS 10")
        await connection.execute(
            "INSERT INTO slates (user_id, version, removed, body, content_ids, as_of_ms, "
            "source_offset, model_version) SELECT 'x', 1, false, "
            "convert_to('{\"user\": \"user-1\"}', 'utf8'), '{}', 1, 1, '' LIMIT 1"
        )
        await connection.execute(
            "INSERT INTO slates SELECT 'y', 1, false, body, '{}', 1, 1, '' FROM slates"
        )
        await connection.execute("ANALYZE")
        await connection.execute("DELETE FROM viewers")
        await connection.execute("DELETE FROM slates")
    found = await search_tables(pool, Word("user-1"))
    assert [(each.table, each.columns, each.declared) for each in found] == [
        ("pg_statistic", ("slates.body",), True), ("pg_statistic", ("viewers.user_id",), True),
    ]  # fmt: skip


async def test_a_repeated_erasure_is_later_whatever_the_clock_says(pool):
    store = ErasureStore(pool)
    assert (await store.record(ACTOR, "p", 1000)).erased_at_ms == 1000
    assert (await store.record(ACTOR, "p", 900)).erased_at_ms == 1001
    assert (await store.record(ACTOR, "p", 5000)).erased_at_ms == 5000
    assert await store.erased_at(["p", "q"]) == 5000
    assert await store.erased_at(["q"]) is None
    await store.note_receipt(ACTOR, "p", 5000, Receipt("r1", b"d" * 32, 6000))
    assert await store.find(["q", "p"]) == ("p", 5000, 3, "r1", b"d" * 32, 6000)
    assert await store.find(["q"]) is None
    entries = await AuditTrail(pool).page(Filter(), 10)
    assert [each.action for each in entries] == ["user.erase"] * 4
    assert await store.fetch_since(5001) == []
    assert list(await store.fetch_since(5000)) == [("p", 5000)]


async def test_a_receipt_is_told_of_its_own_erasure_alone(pool):
    store = ErasureStore(pool)
    assert (await store.record(ACTOR, "p", 1000)).erased_at_ms == 1000
    assert await store.find(["p"]) == ("p", 1000, 1, None, None, None)
    await store.note_receipt(ACTOR, "p", 1000, Receipt("r1", b"d" * 32, 1500))
    assert await store.find(["p"]) == ("p", 1000, 1, "r1", b"d" * 32, 1500)
    await store.record(ACTOR, "p", 2000)
    assert await store.find(["p"]) == ("p", 2000, 2, None, None, None)
    await store.note_receipt(ACTOR, "p", 2000, Receipt("r2", b"e" * 32, 2500))
    assert await store.find(["p"]) == ("p", 2000, 2, "r2", b"e" * 32, 2500)


async def test_a_receipt_wipes_no_counts_of_an_erasure_that_came_meanwhile(pool):
    await fill(pool)
    store, name = ErasureStore(pool), NAMES.of("user-1")
    await store.record(ACTOR, name, 1000)
    await store.record(ACTOR, name, 2000)
    await flush_slates(pool, tombstones("user-1", topic=SLATES), NAMES)
    await store.note_receipt(ACTOR, name, 1000, Receipt("r1", b"d" * 32, 2500))
    assert await store.removed(name) == {"slates": 1}
    assert await store.find([name]) == (name, 2000, 2, None, None, None)
    assert (await store.record(ACTOR, name, 3000)).open_since_ms == 1000
    await store.note_receipt(ACTOR, name, 3000, Receipt("r3", b"f" * 32, 3500))
    await store.note_receipt(ACTOR, name, 2000, Receipt("r2", b"e" * 32, 3600))  # later than r3
    assert await store.find([name]) == (name, 3000, 3, "r3", b"f" * 32, 3500)
    entries = await AuditTrail(pool).page(Filter(), 10)
    assert len(entries) == 6  # each receipt has its own


async def test_a_signing_key_is_made_once_and_sealed(pool):
    store = ReceiptKeyStore(pool, Sealer(KEY))
    key = await store.current(1)
    assert await store.current(2) == key
    assert await store.public_key(key.key_id) == key.public
    assert await store.public_key("unknown") is None
    other = base64.b64encode(bytes([1]) * 32).decode()
    with pytest.raises(SealingError):
        await ReceiptKeyStore(pool, Sealer(other)).current(3)
