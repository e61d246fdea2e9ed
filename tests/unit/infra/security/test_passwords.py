"""Argon2id: what is stored, what is verified, and the queue that a flood of logins meets."""

import asyncio
import threading

import pytest

from infra.security.passwords import AT_ONCE, COST, WAITING_MAX, Cost, HashingBusy, PasswordHashing

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
PASSWORD = "kestrel orbits the violet lamp"


@pytest.fixture
def hashing():
    made = PasswordHashing(CHEAP)
    yield made
    made.close()


def test_the_cost_is_at_least_what_owasp_asks_for():
    assert COST.memory_kib >= 19 * 1024
    assert COST.passes >= 2
    assert COST.lanes == 1


async def test_the_hash_names_its_parameters_and_opens_for_its_password_alone():
    hashing = PasswordHashing()
    stored = await hashing.hash(PASSWORD)
    assert stored.startswith(f"$argon2id$v=19$m={COST.memory_kib},t={COST.passes},p=1$")
    assert await hashing.is_right(PASSWORD, stored)
    assert not await hashing.is_right(PASSWORD + " ", stored)
    assert not hashing.is_outdated(stored)
    hashing.close()


async def test_two_hashes_of_a_password_differ(hashing):
    assert await hashing.hash(PASSWORD) != await hashing.hash(PASSWORD)


async def test_nobody_has_any_password(hashing):
    assert not await hashing.is_right(PASSWORD, None)
    assert not await hashing.is_right("", None)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$AAAA"])
async def test_a_damaged_hash_is_nobodys(hashing, stored):
    assert not await hashing.is_right(PASSWORD, stored)


async def test_a_hash_of_other_parameters_is_outdated(hashing):
    older = PasswordHashing(Cost(memory_kib=16, passes=1, lanes=1))
    stored = await older.hash(PASSWORD)
    assert hashing.is_outdated(stored)
    assert await hashing.is_right(PASSWORD, stored)
    older.close()


async def test_recovery_codes_are_hashed_with_the_salt_of_their_operator(hashing):
    codes = ["ABCDEFGH", "HGFEDCBA"]
    first = await hashing.hash_recovery(codes, b"a" * 16)
    assert first == await hashing.hash_recovery(codes, b"a" * 16)
    assert len({*first, *await hashing.hash_recovery(codes, b"b" * 16)}) == 4
    assert {len(each) for each in first} == {32}


class SlowHashing(PasswordHashing):
    """Hashes that take until they may go on; the result is the password itself."""

    def __init__(self):
        self.go_on, self.running = threading.Event(), threading.Semaphore(0)
        self.go_on.set()
        super().__init__(CHEAP)

    def _hash(self, password):
        self.running.release()
        assert self.go_on.wait(30)
        return password


async def test_a_full_queue_refuses_at_once_and_frees_its_places():
    hashing = SlowHashing()
    go_on, running = hashing.go_on, hashing.running
    running.acquire()
    go_on.clear()
    waiting = [asyncio.create_task(hashing.hash("x")) for _ in range(AT_ONCE + WAITING_MAX)]
    for _ in range(AT_ONCE):
        await asyncio.to_thread(running.acquire)
    assert not running.acquire(blocking=False)  # no third one runs
    with pytest.raises(HashingBusy):
        await hashing.hash("x")
    waiting[0].cancel()  # its thread goes on, so its place stays taken
    await asyncio.gather(waiting[0], return_exceptions=True)
    with pytest.raises(HashingBusy):
        await hashing.hash("x")
    go_on.set()
    assert await asyncio.gather(*waiting[1:]) == ["x"] * (AT_ONCE + WAITING_MAX - 1)
    assert await hashing.hash("x") == "x"
    hashing.close()
