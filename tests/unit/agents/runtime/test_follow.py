"""A follow agent ticks once its sources were read whole, and publishes before it ticks again.

Method: a reader and a producer under our control in place of those of Kafka.
"""

import asyncio

import pytest
from prometheus_client import REGISTRY

from agents.runtime.follow import FollowRunner
from agents.spec import Emit, FollowAgent, Record
from infra.settings import Settings
from topics.catalog import NEXT_TITLES, WATCH_STATES


class Echo:
    """Emits one record a tick for each record taken in."""

    def __init__(self):
        self.waiting = []
        self.ticks = 0

    def on_replica(self, topic, records):
        self.waiting += records

    def on_tick(self, now_ms):
        self.ticks += 1
        taken, self.waiting = self.waiting[:1], self.waiting[1:]
        return [Emit(NEXT_TITLES, record.key, record.value, None) for record in taken]

    def busy(self):
        return bool(self.waiting)


class HeldReader:
    """Reads nothing by itself; fails when told to."""

    def __init__(self):
        self.complete = asyncio.Event()
        self.failure = asyncio.get_running_loop().create_future()

    async def run(self):
        await self.failure


class HeldProducer:
    """Acknowledges when told to."""

    def __init__(self):
        self.emitted = []
        self.acknowledgements = []

    async def emit(self, emits):
        self.emitted += [emit.key for emit in emits]
        futures = [asyncio.get_running_loop().create_future() for _ in emits]
        self.acknowledgements += futures
        return futures


def record(key):
    return Record(WATCH_STATES.name, 0, 0, 0, key, b"v")


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def running(tmp_path):
    echo, producer = Echo(), HeldProducer()
    agent = FollowAgent(
        name="echo", sources=(WATCH_STATES,), emits=(NEXT_TITLES,), tick_s=3600.0,
        create_follower=lambda settings: echo,
    )  # fmt: skip
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path)
    runner = FollowRunner(agent, settings, producer)
    await runner._reader._consumer.stop()
    runner._reader = HeldReader()
    task = asyncio.create_task(runner.run())
    await settle()
    yield runner, echo, producer, task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def counted(name, **labels):
    return REGISTRY.get_sample_value(name, {"agent": "echo", **labels}) or 0.0


async def test_nothing_is_emitted_before_the_sources_were_read_whole(running):
    runner, echo, producer, _ = running
    runner._deliver(WATCH_STATES, [record(b"a")])
    ready = asyncio.create_task(runner.wait_ready())
    await settle()
    assert (echo.ticks, producer.emitted, ready.done()) == (0, [], False)
    runner._reader.complete.set()
    await ready
    await settle()
    assert producer.emitted == [b"a"]


async def test_the_next_tick_waits_for_acknowledgements_and_then_follows_while_busy(running):
    runner, echo, producer, _ = running
    read = counted("mg_agent_records_total")
    sent = counted("mg_agent_emitted_records_total", topic=NEXT_TITLES.name)
    runner._deliver(WATCH_STATES, [record(b"a"), record(b"b")])
    runner._reader.complete.set()
    await settle()
    assert (echo.ticks, producer.emitted) == (1, [b"a"])
    producer.acknowledgements[0].set_result(None)
    await settle()
    assert (echo.ticks, producer.emitted) == (2, [b"a", b"b"])
    producer.acknowledgements[1].set_result(None)
    await settle()
    assert echo.ticks == 2  # idle: the next tick comes after an hour
    assert counted("mg_agent_records_total") - read == 2
    assert counted("mg_agent_emitted_records_total", topic=NEXT_TITLES.name) - sent == 2


async def test_a_record_that_cannot_be_sent_stops_the_agent(running):
    runner, _, producer, task = running
    runner._deliver(WATCH_STATES, [record(b"a")])
    runner._reader.complete.set()
    await settle()
    producer.acknowledgements[0].set_exception(TimeoutError("the leader is away"))
    with pytest.raises(TimeoutError, match="the leader is away"):
        await task


async def test_a_reader_that_fails_stops_the_agent(running):
    runner, echo, _, task = running
    runner._reader.failure.set_exception(ConnectionError("no broker"))
    with pytest.raises(ConnectionError, match="no broker"):
        await task
    assert echo.ticks == 0
