"""A change and the end of its session on a real Postgres: one comes after the other, never both."""

import asyncio
from dataclasses import replace

import pytest

from domain.identity.login import Given, Outcome
from domain.identity.totp import code_at, step_at
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.audit import ADVISORY_LOCK, LOCK, Actor, AuditTrail, SessionEnded
from infra.postgres.dead_letters import DeadLetterStore, LetterFilter
from infra.postgres.migrate import migrate
from infra.postgres.operator_logins import LoginAttempt, LoginStore
from infra.postgres.operator_sessions import SessionStore, limits_of
from infra.postgres.operators import LOCK_ROW, NewFactor, OperatorStore
from infra.postgres.pool import create_pool
from infra.redrive import Redriver
from infra.security.operator_secrets import create_token, hash_token
from infra.security.sealing import Sealer
from infra.settings import Settings
from tests.integration.test_postgres_dead_letters import flush, letter
from tests.support.operators import CLI, KEY, SALT, SECRET, add_operator
from tests.support.waiting import wait_until_async

NOW_MS = 1_767_300_000_000
HOME = "203.0.113.7"
TOKEN = hash_token(create_token())
ADA = Actor("operator", "ada", "request", HOME)
IN_SESSION = replace(ADA, session_sha256=TOKEN)
OWN, GIVEN_BY_RESET = [b"o" * 32], [b"r" * 32]
NEW_KEY = ApiKey("k1", bytes(32), "backdoor", ("progress:write",), None, NOW_MS)
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class Stores:
    def __init__(self, pool, settings):
        self.pool = pool
        self.operators = OperatorStore(pool, Sealer(KEY))
        self.sessions = SessionStore(pool, limits_of(settings))
        self.keys = ApiKeyStore(pool)

    async def log_in(self):
        stored = (await self.operators.find_credentials("ada")).password_hash
        given = Given(True, code_at(SECRET, step_at(NOW_MS)))
        attempt = LoginAttempt("op_ada", given, TOKEN, stored, HOME)
        logins = LoginStore(self.pool, Sealer(KEY), self.sessions.ended_before)
        assert await logins.log_in(attempt, ADA, NOW_MS) is Outcome.ACCEPTED

    async def rows(self, statement):
        async with self.pool.connection() as connection:
            return await (await connection.execute(statement)).fetchall()

    async def codes(self):
        found = await self.rows("SELECT code_hash FROM operator_recovery_codes")
        return [bytes(code) for (code,) in found]

    async def actions(self):
        batches = [batch async for batch in AuditTrail(self.pool).entries()]
        return [entry.action for batch in batches for entry in batch]

    async def until_waiting(self, wanted, what):
        async def are_there():
            [(count,)] = await self.rows(WAITING)
            return count == wanted

        await wait_until_async(are_there, 30, what)


@pytest.fixture
async def stores(fresh_database_url):
    migrate(fresh_database_url)
    settings = Settings(database_url=fresh_database_url)
    async with create_pool(settings, synchronous_commit=False) as pool:
        await add_operator(pool, "ada")
        found = Stores(pool, settings)
        await found.log_in()
        yield found


def reset(stores):
    return stores.operators.reset_factor(CLI, "ada", NewFactor(SECRET, 0, SALT, GIVEN_BY_RESET))


def renew(stores):
    return stores.operators.renew_recovery_codes(IN_SESSION, "ada", SALT, OWN)


async def test_a_session_that_lives_renews_its_recovery_codes(stores):
    await renew(stores)
    assert await stores.codes() == OWN


async def test_recovery_codes_that_were_hashed_while_the_app_was_reset_replace_none(stores):
    await reset(stores)
    with pytest.raises(SessionEnded):
        await renew(stores)
    assert await stores.codes() == GIVEN_BY_RESET
    assert (await stores.actions())[-1] == "operator.reset-totp"


async def test_recovery_codes_that_wait_for_the_reset_replace_none(stores):
    """Both are under way: whoever asked for the operator's row first comes first."""
    async with stores.pool.connection() as connection, connection.transaction():
        await connection.execute(LOCK_ROW, ("ada",))
        resetting = asyncio.create_task(reset(stores))
        await stores.until_waiting(1, "the reset waits for the row")
        renewing = asyncio.create_task(renew(stores))
        await stores.until_waiting(2, "so does the renewal")
    await resetting
    with pytest.raises(SessionEnded):
        await renewing
    assert await stores.codes() == GIVEN_BY_RESET


@pytest.mark.parametrize("ended_by", ["disable", "set_password", "end_all", "rotate"])
async def test_a_change_is_not_made_once_its_session_has_ended(stores, ended_by):
    if ended_by == "disable":
        await stores.operators.disable(CLI, "ada", NOW_MS)
    elif ended_by == "set_password":
        await stores.operators.set_password(CLI, "ada", "another hash")
    elif ended_by == "end_all":
        await stores.sessions.end_all("op_ada", IN_SESSION)
    else:
        assert await stores.sessions.rotate(TOKEN, hash_token(create_token()), NOW_MS)
    with pytest.raises(SessionEnded):
        await stores.keys.create(IN_SESSION, NEW_KEY)
    assert await stores.keys.find("k1") is None
    assert "key.create" not in await stores.actions()


async def test_a_change_waits_for_an_end_of_its_session_that_is_under_way(stores):
    async with stores.pool.connection() as connection, connection.transaction():
        await connection.execute("DELETE FROM operator_sessions")
        creating = asyncio.create_task(stores.keys.create(IN_SESSION, NEW_KEY))
        await stores.until_waiting(1, "the change waits for the session")
    with pytest.raises(SessionEnded):
        await creating
    assert await stores.keys.find("k1") is None


async def test_an_end_of_the_session_waits_for_a_change_that_is_under_way(stores):
    """And not the other way round: they take their locks in one order."""
    async with stores.pool.connection() as connection, connection.transaction():
        await connection.execute(LOCK, (ADVISORY_LOCK,))
        creating = asyncio.create_task(stores.keys.create(IN_SESSION, NEW_KEY))
        await stores.until_waiting(1, "the change waits for the trail")
        disabling = asyncio.create_task(stores.operators.disable(CLI, "ada", NOW_MS))
        await stores.until_waiting(2, "the end waits for the change")
        using = await stores.sessions.find(TOKEN, NOW_MS + 60_000)  # notes the use, and waits not
    await asyncio.gather(creating, disabling)
    assert using is not None
    assert (await stores.actions())[-2:] == ["key.create", "operator.disable"]


class EndingClient:
    """Stands for a producer; the operator's sessions end while it sends the first record."""

    def __init__(self, stores):
        self.stores = stores
        self.sent = 0

    async def send(self, topic, value, key, partition, headers):
        await self.stores.sessions.end_all("op_ada", IN_SESSION)
        self.sent += 1
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


async def test_what_a_redrive_has_sent_is_marked_though_the_session_ends_meanwhile(stores):
    """Else the next one would send it again; a redrive that begins later sends nothing."""
    await flush(stores.pool, letter(1), letter(2))
    letters = DeadLetterStore(stores.pool)
    client = EndingClient(stores)
    redriver = Redriver(stores.pool, client, lambda: NOW_MS)
    [first, second] = [each.letter_id for each in await letters.fetch_page(LetterFilter(), 10)]
    assert [len(each.redriven) async for each in redriver.redrive(IN_SESSION, [first])] == [1]
    with pytest.raises(SessionEnded):
        _ = [each async for each in redriver.redrive(IN_SESSION, [second])]
    assert client.sent == 1
    [still_open] = await letters.fetch_page(LetterFilter(state="open"), 10)
    assert still_open.letter_id == second
