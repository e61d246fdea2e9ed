"""Key sets follow their issuers, survive their absence, and cannot be made to call out often."""

import asyncio
from functools import partial

import psycopg
import pytest

from infra.issuers import remote_keys
from infra.issuers.fetching import FetchError, fetch
from infra.issuers.remote_keys import FRESH_S, RETRY_S, UNKNOWN_KEY_S, RemoteKeys
from tests.support.documents import document_server
from tests.support.tokens import ed25519_jwk, jwks, rsa_jwk
from tests.support.waiting import wait_until_async

URL = "https://id.example.com/jwks.json"
ED, RSA = jwks(ed25519_jwk()), jwks(rsa_jwk())


class World:
    def __init__(self):
        self.now_s = 1000.0
        self.documents = {URL: ED}
        self.calls = []
        self.remote = RemoteKeys(self.fetch, lambda: self.now_s)

    async def fetch(self, url):
        self.calls.append(url)
        if url not in self.documents:
            raise FetchError("away")
        return self.documents[url]

    async def kids_after(self, seconds):
        self.now_s += seconds
        await self.remote.refresh([URL])
        return set(self.remote.keys(URL))


@pytest.fixture
def world():
    return World()


async def test_a_set_is_fetched_once_and_again_when_it_is_old(world):
    assert world.remote.keys(URL) == {}
    assert await world.kids_after(0) == {"ed-1"}
    world.documents[URL] = RSA
    assert await world.kids_after(FRESH_S - 1) == {"ed-1"}
    assert len(world.calls) == 1
    assert await world.kids_after(1) == {"rsa-1"}


async def test_an_unknown_key_fetches_at_once_and_then_once_a_minute(world):
    await world.kids_after(0)
    world.documents[URL] = RSA
    world.remote.miss(URL)
    assert await world.kids_after(1) == {"rsa-1"}
    for _ in range(100):  # random key ids
        world.remote.miss(URL)
        await world.kids_after(UNKNOWN_KEY_S / 101)
    assert len(world.calls) == 2
    await world.kids_after(UNKNOWN_KEY_S / 101 + 1)
    assert len(world.calls) == 3


async def test_a_key_of_an_issuer_that_nobody_configured_causes_no_call(world):
    world.remote.miss("https://evil.example/")
    await world.kids_after(0)
    assert world.calls == [URL]


@pytest.mark.parametrize("bad", [None, b"", b"{}", b'{"keys": []}', jwks(ed25519_jwk(d="AA"))])
async def test_the_last_good_set_stays_while_the_issuer_is_away_or_answers_nonsense(world, bad):
    await world.kids_after(0)
    del world.documents[URL]
    if bad is not None:
        world.documents[URL] = bad
    assert await world.kids_after(FRESH_S) == {"ed-1"}
    assert await world.kids_after(RETRY_S - 1) == {"ed-1"}
    assert len(world.calls) == 2
    assert await world.kids_after(10 * FRESH_S) == {"ed-1"}
    world.documents[URL] = RSA
    assert await world.kids_after(RETRY_S) == {"rsa-1"}


async def test_an_address_that_is_not_named_any_more_is_forgotten(world):
    await world.kids_after(0)
    await world.remote.refresh([])
    assert world.remote.keys(URL) == {}


async def test_one_bad_issuer_does_not_keep_another_from_being_fetched(world):
    world.documents["https://other.example/"] = RSA
    del world.documents[URL]
    await world.remote.refresh([URL, "https://other.example/"])
    assert set(world.remote.keys("https://other.example/")) == {"rsa-1"}


async def running(remote, list_urls):
    return asyncio.create_task(remote.run(list_urls))


async def test_a_rotation_at_a_real_server_is_followed_without_a_restart(monkeypatch):
    monkeypatch.setattr(remote_keys, "ROUND_S", 60.0)  # only an unknown key wakes it
    async with document_server() as server:
        server.body = ED
        remote = RemoteKeys(partial(fetch, private=True), asyncio.get_running_loop().time)

        async def urls():
            return [server.url]

        task = await running(remote, urls)

        async def has(kid):
            return kid in remote.keys(server.url)

        await wait_until_async(lambda: has("ed-1"), 20, "the first set")
        server.body = RSA
        remote.miss(server.url)
        await wait_until_async(lambda: has("rsa-1"), 20, "the rotated set")
        assert not await has("ed-1")
        assert len(server.requests) == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_it_goes_on_while_the_database_is_away(world, monkeypatch):
    monkeypatch.setattr(remote_keys, "ROUND_S", 0.001)
    asked = []

    async def urls():
        asked.append(1)
        if len(asked) == 1:
            raise psycopg.OperationalError("away")
        return [URL]

    task = await running(world.remote, urls)

    async def known():
        return bool(world.remote.keys(URL))

    await wait_until_async(known, 20, "a set after the outage")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
