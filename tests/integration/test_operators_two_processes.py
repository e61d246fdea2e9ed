"""Two API processes on one database: a code works once, a session in both, an end at once.

Passwords are hashed at their real cost here, so no more logins are sent at once than may wait.
"""

import asyncio
import random
from collections import Counter

import httpx2
import pytest

from infra.embedded.process import free_port
from infra.postgres.migrate import migrate
from infra.postgres.operators import OperatorStore
from infra.postgres.pool import create_pool
from infra.security.passwords import AT_ONCE
from infra.security.sealing import Sealer
from infra.settings import Settings
from infra.wall_clock import now_ms
from tests.support.api_process import ApiProcess
from tests.support.operators import CLI, KEY, PASSWORD, add_operator, current_code
from tests.support.services import new_database

AUTH = "/api/v1/auth/"
TRIES = 50


@pytest.fixture(scope="module")
def database(postgres_server_url):
    for url in new_database(postgres_server_url):
        migrate(url)
        yield url


def environment(database, key):
    return {
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",  # operators need none
        "MEDIA_GATEWAY_SECRETS_KEY": key,
        "MEDIA_GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32",
    }


@pytest.fixture(scope="module")
def apis(database, tmp_path_factory):
    """Two processes that have the key, and one that lacks it."""
    folder = tmp_path_factory.mktemp("apis")
    started = [ApiProcess(environment(database, key), folder) for key in (KEY, KEY, "")]
    try:
        for api in started:
            api.wait_alive()
        yield started
    finally:
        for api in started:
            api.end()


@pytest.fixture
async def pool(database):
    async with create_pool(Settings(database_url=database)) as opened:
        yield opened


@pytest.fixture
async def ada(pool, unique):
    """The name of an operator of this test alone."""
    name = unique("ada")
    await add_operator(pool, name)
    return name


@pytest.fixture
async def clients(apis):
    async with (
        httpx2.AsyncClient(base_url=apis[0].url, timeout=30) as one,
        httpx2.AsyncClient(base_url=apis[1].url, timeout=30) as other,
    ):
        yield one, other


async def log_in(client, name, code, password=PASSWORD, address=None):
    body = {"name": name, "password": password, "code": code}
    from_anywhere = f"198.18.{random.randrange(256)}.{random.randrange(256)}"
    headers = {"X-Forwarded-For": address or from_anywhere}
    return await client.post(AUTH + "login", json=body, headers=headers)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def let_a_minute_pass(pool, name):
    """Let the failures of strangers be older than the minute that they count for."""
    statement = "UPDATE operators SET failed_at_ms = '{}' WHERE name = %s"
    async with pool.connection() as connection:
        await connection.execute(statement, (name,))


async def forget_codes(pool):
    """Let the codes of this moment count again; waiting for new ones would take a minute."""
    async with pool.connection() as connection:
        await connection.execute("UPDATE operators SET last_step = 0")


async def test_of_fifty_logins_at_two_processes_with_one_code_one_succeeds(pool, clients, ada):
    code = current_code()
    places = asyncio.Semaphore(2 * AT_ONCE)

    async def attempt(number):
        async with places:
            return (await log_in(clients[number % 2], ada, code)).status_code

    statuses = Counter(await asyncio.gather(*(attempt(number) for number in range(TRIES))))
    assert statuses == {200: 1, 401: TRIES - 1}
    async with pool.connection() as connection:
        query = "SELECT count(*) FROM operator_sessions WHERE operator_id = %s"
        row = await (await connection.execute(query, (f"op_{ada}",))).fetchone()
    assert row == (1,)


async def test_a_session_is_the_same_in_both_and_ends_in_both_at_once(pool, clients, ada):
    one, other = clients
    token = (await log_in(one, ada, current_code())).json()["token"]
    assert (await other.get(AUTH + "me", headers=bearer(token))).json()["name"] == ada

    renewed = (await other.post(AUTH + "refresh", headers=bearer(token))).json()["token"]
    statuses = [(await one.get(AUTH + "me", headers=bearer(each))).status_code
                for each in (token, renewed)]  # fmt: skip
    assert statuses == [401, 200]

    await forget_codes(pool)
    body = {"code": current_code()}
    steps = [
        client.post(AUTH + "step-up", json=body, headers=bearer(renewed)) for client in clients
    ]
    answers = await asyncio.gather(*steps)
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sum(answer.status_code == 200 for answer in answers) == 1
    [stepped] = [answer.json()["token"] for answer in answers if answer.status_code == 200]
    codes = await one.post(AUTH + "recovery-codes", headers=bearer(stepped))
    assert codes.status_code == 200, codes.text
    assert len(codes.json()["codes"]) == 10

    await OperatorStore(pool, Sealer(KEY)).disable(CLI, ada, now_ms())
    answers = [await client.get(AUTH + "me", headers=bearer(stepped)) for client in clients]
    assert [answer.status_code for answer in answers] == [401, 401]


async def test_the_lockout_is_counted_over_both(apis, pool, clients, ada):
    for number in range(5):
        assert (await log_in(clients[number % 2], ada, current_code(), "wrong")).status_code == 401
    for client in clients:
        assert (await log_in(client, ada, current_code())).status_code == 401
    await OperatorStore(pool, Sealer(KEY)).unlock(CLI, ada)
    assert (await log_in(clients[0], ada, current_code())).status_code == 200
    logs = "".join(api.log.read_text() for api in apis)
    assert f"authn_login_lock:{ada}" in logs
    assert PASSWORD not in logs


@pytest.mark.parametrize(
    ("before", "after"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:0:7::1", "2001:db8:0:7:ffff::2")],
)
async def test_strangers_lock_each_other_out_and_not_the_owner(pool, clients, ada, before, after):
    one, other = clients
    assert (await log_in(one, ada, current_code(), address=before)).status_code == 200
    for number in range(5):
        assert (await log_in(clients[number % 2], ada, "000000", "wrong")).status_code == 401
    await let_a_minute_pass(pool, ada)
    await forget_codes(pool)
    assert (await log_in(other, ada, current_code())).status_code == 401
    assert (await log_in(other, ada, current_code(), address=after)).status_code == 200


async def test_without_the_key_a_login_is_refused_as_of_nobody_and_not_counted(apis, pool, ada):
    async with httpx2.AsyncClient(base_url=apis[2].url, timeout=30) as keyless:
        refused = [await log_in(keyless, name, current_code()) for name in (ada, "nobody")]
        assert (await keyless.get("/healthz")).status_code == 200
    assert [answer.status_code for answer in refused] == [401, 401]
    first, second = ({**answer.json(), "instance": ""} for answer in refused)
    assert first == second
    async with pool.connection() as connection:
        query = "SELECT failures_in_a_row FROM operators WHERE name = %s"
        assert await (await connection.execute(query, (ada,))).fetchone() == (0,)
