"""Limits that several processes share, on a real Redis: counted together, and while it is away.

Method: the clock of the counters stands still, the windows are those of the server; quotas are
small and windows long, so no test depends on how long it takes.
"""

import asyncio
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.rate_windows import Window
from infra import metrics
from infra.limits.memory import MemoryCounter
from infra.limits.shared import ADVANCE_SHARE, AWAY_S, SharedCounter, storage_url
from tests.support.raw_http import answers_of, read_to_end
from tests.support.served_fakes import TIER_VARIABLE, serving

HOUR = Window("hour", 100, 3600)
SLATE = "/api/v1/users/user-1/recommendations"


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture(autouse=True)
def patient(request, monkeypatch):
    """Let a busy machine answer late: only where the server is to be away is it soon given up."""
    if "away" not in request.node.name:
        monkeypatch.setattr("infra.limits.shared.TIMEOUT_S", 60.0)


def counter_of(server, clock):
    return SharedCounter(storage_url(server.url), clock, MemoryCounter(clock))


async def allowed(counter, key, calls, window=HOUR):
    return sum([(await counter.take(window, key)).allowed for _ in range(calls)])


async def test_two_processes_share_one_quota(redis_server, unique):
    clock = Clock()
    one, other = counter_of(redis_server, clock), counter_of(redis_server, clock)
    key = unique("caller")
    calls = 0
    for _ in range(60):
        calls += await allowed(one, key, 2) + await allowed(other, key, 2)
    assert calls == HOUR.quota
    refused = await other.take(HOUR, key)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 3590 < refused.reset_s <= 3600.1
    assert not other.peek(HOUR, key).allowed
    assert await allowed(one, unique("another"), 1) == 1
    await one.close()
    await other.close()


async def test_nothing_is_kept_of_a_caller_whose_windows_are_over(redis_server, unique):
    clock, window = Clock(), Window("sustained", 10, 10)
    counter = counter_of(redis_server, clock)
    await allowed(counter, unique("caller"), 11, window)
    assert counter.drop_idle(9) == 0
    clock.now_s += 20
    assert counter.drop_idle(9) == 1
    server = counter._storage.bridge.get_connection()
    keys = [key async for key in server.scan_iter("*")]
    assert keys
    for key in keys:  # the server forgets it by itself
        left_ms = await server.pttl(key)  # -1: for ever; -2: it is gone
        assert left_ms != -1
        assert left_ms <= 2 * window.seconds * 1000
    await counter.close()


async def test_taking_in_advance_never_lets_more_through(redis_server):
    clock = Clock()
    counters = [counter_of(redis_server, clock) for _ in range(3)]
    number = 0

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 60), st.floats(0, 400)), max_size=9)
    )
    def more_than_the_quota(bursts):
        nonlocal number
        number += 1
        asyncio_run(bursts, f"caller-{number}")

    async def run(bursts, key):
        calls = 0
        for who, times, pause_s in bursts:
            calls += await allowed(counters[who], key, times)
            clock.now_s += pause_s
        assert calls <= HOUR.quota
        wanted = sum(times for _, times, _ in bursts)
        lost = len(bursts) * (HOUR.quota // ADVANCE_SHARE)
        assert calls >= min(wanted, HOUR.quota - lost)

    def asyncio_run(bursts, key):
        future = asyncio.run_coroutine_threadsafe(run(bursts, key), loop)
        future.result(60)

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(more_than_the_quota)
    for counter in counters:
        await counter.close()


async def test_a_fast_caller_asks_the_server_seldom(redis_server, unique):
    counter = counter_of(redis_server, Clock())
    window = Window("wide", 2000, 3600)
    connection = counter._storage.bridge.get_connection()
    before = (await connection.info("stats"))["total_commands_processed"]
    assert await allowed(counter, unique("fast"), 1000, window) == 1000
    after = (await connection.info("stats"))["total_commands_processed"]
    assert after - before < 300  # a script runs several commands
    await counter.close()


async def test_a_server_that_is_away_or_frozen_opens_no_gate_and_closes_none(
    redis_server, unique, caplog
):
    caplog.set_level(logging.INFO)
    clock = Clock()
    counter = counter_of(redis_server, clock)
    key = unique("caller")
    assert await allowed(counter, key, 50) == 50
    failures = metrics.API_LIMITS_ALONE._value.get()
    redis_server.freeze()
    clock.now_s += 3600
    assert await allowed(counter, key, 150) == HOUR.quota  # by the memory of this process
    assert metrics.API_LIMITS_ALONE._value.get() == failures + 1  # asked once, not 150 times
    redis_server.thaw()
    redis_server.stop()
    clock.now_s += AWAY_S
    assert await allowed(counter, unique("second"), 150) == HOUR.quota
    assert metrics.API_LIMITS_ALONE._value.get() == failures + 2
    redis_server.start()
    clock.now_s += AWAY_S
    assert await allowed(counter, unique("third"), 150) == HOUR.quota
    assert metrics.API_LIMITS_ALONE._value.get() == failures + 2
    lines = [record.message for record in caplog.records if "limits server" in record.message]
    assert [line.split(" (")[0] for line in lines] == [
        "the limits server is away", "the limits server answers again",
    ]  # fmt: skip
    await counter.close()


def read(served, times):
    """Return the statuses of reads over as many connections: any process may get one."""
    request = (
        f"GET {SLATE} HTTP/1.1\r\nHost: x\r\nAuthorization: {served.authorization}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    found = []
    for _ in range(times):
        with served.connect() as connection:
            connection.sendall(request)
            [answer] = answers_of(read_to_end(connection))
        found.append((answer.status, answer.headers["ratelimit-policy"]))
    return found


QUOTA = {
    "MEDIA_GATEWAY_LIMITS_FREE_PER_S": "10", "MEDIA_GATEWAY_LIMITS_BURST": "10",
    TIER_VARIABLE: "free",
}  # fmt: skip


def test_two_api_processes_answer_to_one_limit(redis_server, tmp_path):
    shared = {"MEDIA_GATEWAY_LIMITS_URL": redis_server.url, **QUOTA}
    with serving(tmp_path, **shared) as one, serving(tmp_path, **shared) as other:
        answers = []
        for _ in range(100):
            answers += read(one, 1) + read(other, 1)
    allowed = [status for status, _ in answers].count(200)
    # The window may have moved on while this ran: then a part of the next quota came in addition.
    assert 100 <= allowed < 200
    assert {status for status, _ in answers} == {200, 429}


def test_several_processes_of_one_server_say_that_they_count_apart(tmp_path):
    with serving(tmp_path, MEDIA_GATEWAY_API_PROCESSES="2", **QUOTA) as served:
        assert read(served, 1)[0][0] == 200
    warnings = served.log.read_text().count("2 API processes without MEDIA_GATEWAY_LIMITS_URL")
    assert warnings == 1
