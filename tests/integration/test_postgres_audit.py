"""The audit trail on a real Postgres: one order, one transaction, nothing changed or removed."""

import asyncio

import psycopg
import pytest

from domain.audit import EMPTY, verify
from infra.postgres.audit import AuditTrail, Filter, append, read_head
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.settings import Settings
from tests.support.operators import CLI


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    settings = Settings(database_url=fresh_database_url)
    async with create_pool(settings, synchronous_commit=False) as opened:
        yield opened


async def enter(pool, subject, **states):
    async with pool.connection() as connection, connection.transaction():
        return await append(connection, CLI, "partner.create", subject, **states)


async def entries(pool):
    return [entry async for batch in AuditTrail(pool).entries() for entry in batch]


async def test_a_hundred_writers_at_once_make_one_chain(pool):
    await asyncio.gather(*(enter(pool, f"p{number}") for number in range(100)))
    found = await entries(pool)
    assert [entry.sequence for entry in found] == list(range(1, 101))
    assert {entry.subject for entry in found} == {f"p{number}" for number in range(100)}
    assert verify(found) is None
    times = [entry.at_ms for entry in found]
    assert times == sorted(times)


async def test_an_entry_is_there_if_and_only_if_its_change_is(pool):
    insert = "INSERT INTO partners (partner, mapper, created_at_ms) VALUES ('acme', 'generic', 0)"

    async def fail_after_the_entry():
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(insert)
            await append(connection, CLI, "partner.create", "acme", None, {"partner": "acme"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_the_entry()
    async with pool.connection() as connection:
        assert await read_head(connection) == EMPTY
        rows = await (await connection.execute("SELECT partner FROM partners")).fetchall()
        assert rows == []
        async with connection.transaction():
            await connection.execute(insert)
            entry = await append(connection, CLI, "partner.create", "acme", None, {"a": 1})
    assert entry.sequence == 1  # no gap where the first one was
    assert await entries(pool) == [entry]


async def test_an_entry_outside_a_transaction_is_refused(pool):
    async with pool.connection() as connection:
        with pytest.raises(RuntimeError, match="transaction"):
            await append(connection, CLI, "partner.create", "acme")


async def test_an_entry_waits_for_the_disk_where_others_do_not(pool):
    async def setting(connection):
        return (await (await connection.execute("SHOW synchronous_commit")).fetchone())[0]

    async with pool.connection() as connection:
        async with connection.transaction():
            assert await setting(connection) == "off"
            await append(connection, CLI, "partner.create", "acme")
            assert await setting(connection) == "on"
        assert await setting(connection) == "off"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'mallory'",
        "UPDATE audit_entries SET actor = actor WHERE sequence = 2",
        "DELETE FROM audit_entries WHERE sequence = 3",
        "TRUNCATE audit_entries",
        "INSERT INTO audit_entries SELECT * FROM audit_entries ON CONFLICT (sequence) "
        "DO UPDATE SET actor = 'mallory'",
    ],
)
async def test_the_table_refuses_every_change(pool, statement):
    for number in range(3):
        await enter(pool, f"p{number}")
    before = await entries(pool)
    async with pool.connection() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            await connection.execute(statement)
    assert await entries(pool) == before


async def test_what_an_owner_of_the_database_changes_is_found(pool):
    for number in range(5):
        await enter(pool, f"p{number}")
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        await connection.execute("UPDATE audit_entries SET subject = 'x' WHERE sequence = 3")
        found = verify(await entries(pool))
        assert str(found) == "entry 3: its content does not have its hash"
        await connection.execute("DELETE FROM audit_entries WHERE sequence = 2")
    assert str(verify(await entries(pool))) == "entry 2: it is missing; the next one there is 3"


async def test_pages_are_newest_first_and_filtered(pool):
    for number in range(7):
        await enter(pool, f"p{number}", before=None, after={"number": number})
    trail = AuditTrail(pool)
    page = await trail.page(Filter(), 3)
    assert [entry.sequence for entry in page] == [7, 6, 5]
    assert [entry.sequence for entry in await trail.page(Filter(before=5), 9)] == [4, 3, 2, 1]
    since = page[-1].at_ms
    assert {e.sequence for e in await trail.page(Filter(since_ms=since), 9)} >= {5, 6, 7}
    assert await trail.page(Filter(actor="nobody"), 9) == []
    assert len(await trail.page(Filter(actor=CLI.name, action="partner.create"), 9)) == 7
    assert await trail.page(Filter(action="key.create"), 9) == []
