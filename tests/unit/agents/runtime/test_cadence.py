"""Polls wait for the one in hand, so that records gather; nothing makes them wait for ever."""

import asyncio
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from agents.registry import REGISTRY, by_name
from agents.runtime.sink import SinkRunner
from agents.runtime.stream import StreamRunner
from agents.runtime.transport import GATHER_BYTES, BatchConsumer, Poll
from agents.spec import SinkAgent
from agents.trending import SPEC as TRENDING
from infra.settings import Settings
from topics.catalog import DEAD_LETTERS, SLATES

RECORD = SimpleNamespace(
    topic=SLATES.name,
    partition=0,
    offset=0,
    timestamp=0,
    timestamp_type=0,
    key=b"k",
    value=b"v",
    headers=(),
)
SOON_S, LATE_S = 0.01, 30.0


class Sink:
    """A sink whose writes go through when told to, and its consumer without a broker."""

    def __init__(self, tmp_path):
        self.written, self.failures = [], []
        self.open = asyncio.Event()
        agent = SinkAgent(name="held", source=SLATES, flush=self._flush)
        settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path)
        self.runner = SinkRunner(agent, None, settings, None, self.failures.append)
        self.runner.app = SimpleNamespace(
            consumer=SimpleNamespace(highwater=lambda tp: 0), consumer_generation_id=1,
            hooks=self.runner,
        )  # fmt: skip
        self.runner._suspended = False
        self.arrived = []
        self.consumer = object.__new__(BatchConsumer)
        self.consumer.app = self.runner.app
        self.consumer.flow_active = True
        self.consumer._buffered_partitions = set()
        self.consumer._wait_next_records = self._wait_next_records
        self.consumer._stopped = self.consumer._crashed = asyncio.Event()

    async def _flush(self, pool, records):
        await self.open.wait()
        self.written.append([record.offset for record in records])
        return []

    async def _wait_next_records(self, _timeout_s):
        found, self.arrived = self.arrived, []
        tp = SimpleNamespace(topic=SLATES.name, partition=0)
        return SimpleNamespace(items=lambda: [(tp, found)]), None

    def arrive(self, *offsets):
        self.arrived += [SimpleNamespace(**{**vars(RECORD), "offset": each}) for each in offsets]

    async def poll(self, timeout_s=LATE_S):
        """One turn of Faust's loop; None: nothing was there."""
        async for _, message in self.consumer.getmany(timeout_s):
            return message.value
        return None


@pytest.fixture
async def sink(tmp_path):
    return Sink(tmp_path)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_write_is_the_next_batch(sink):
    sink.arrive(0)
    writing = asyncio.create_task(sink.runner._guarded(await sink.poll()))
    polling = asyncio.create_task(sink.poll())
    for offset in (1, 2, 3):
        sink.arrive(offset)
        await settle()
    assert not polling.done()
    sink.open.set()
    await writing
    await sink.runner._guarded(await polling)
    assert sink.written == [[0], [1, 2, 3]]


async def test_a_poll_that_brings_nothing_holds_up_nothing(sink):
    assert await sink.poll() is None
    sink.arrive(0)
    assert isinstance(await sink.poll(), Poll)


async def test_a_long_write_does_not_stop_the_polls(sink):
    sink.arrive(0)
    writing = asyncio.create_task(sink.runner._guarded(await sink.poll()))
    sink.arrive(1)
    assert isinstance(await sink.poll(SOON_S), Poll)
    sink.open.set()
    await writing


async def test_a_write_that_fails_frees_too(sink):
    async def refuse(pool, records):
        raise ValueError("no")

    sink.runner.agent = replace(sink.runner.agent, flush=refuse)
    sink.arrive(0)
    with pytest.raises(ValueError, match="no"):
        await sink.runner._guarded(await sink.poll())
    assert [str(each) for each in sink.failures] == ["no"]
    await asyncio.wait_for(sink.runner.until_free(LATE_S), 1)


async def test_a_poll_that_was_dropped_in_a_rebalance_is_not_waited_for(sink):
    sink.arrive(0)
    assert await sink.poll() is not None  # and never reaches the runner
    await sink.runner._on_assigned(None, set())
    await asyncio.wait_for(sink.runner.until_free(LATE_S), 1)


def consumer_of(agent, tmp_path):
    """Return the Faust consumer of a stream agent, not started."""
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path)
    runner = StreamRunner(agent, settings, None, pytest.fail)

    async def ignore(*_):
        """Stands for Faust's callbacks: nothing is consumed here."""

    return runner.app._new_transport().create_consumer(
        ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore
    )


async def test_a_consumer_lives_in_the_loop_of_the_agents_and_ends_alone(tmp_path):
    class Client:
        """An aiokafka consumer that only says where it was called."""

        def __init__(self):
            self.called_in = []

        async def note(self):
            self.called_in.append(threading.current_thread())

        start = stop = note

    client, before = Client(), threading.active_count()
    consumer = consumer_of(TRENDING, tmp_path)._new_consumer_thread()
    consumer._create_consumer = lambda loop: client
    others = asyncio.create_task(asyncio.sleep(LATE_S))
    await consumer.start()
    await consumer.call_thread(client.note)
    await consumer.stop()
    assert client.called_in == 3 * [threading.current_thread()]
    assert threading.active_count() == before
    assert not others.done()
    others.cancel()


@pytest.mark.parametrize(("gather_ms", "bytes_min"), [(0, 1), (250, GATHER_BYTES)])
async def test_the_broker_gathers_records_for_agents_that_ask_for_it(
    tmp_path, gather_ms, bytes_min
):
    consumer = consumer_of(replace(TRENDING, gather_ms=gather_ms), tmp_path)
    transport = consumer.transport
    fetched = consumer._new_consumer_thread()._create_worker_consumer(transport)
    await fetched.stop()
    assert fetched._fetch_min_bytes == bytes_min
    assert fetched._fetch_max_wait_ms == (gather_ms or 1500)


async def test_a_sink_gathers_too(tmp_path):
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path)
    agent = replace(by_name("serving-watch-states"), gather_ms=7)
    runner = SinkRunner(agent, None, settings, None, pytest.fail)
    assert runner.app.hooks.gather_ms == 7


def test_what_nobody_waits_for_gathers():
    gathering = [spec.name for spec in REGISTRY if getattr(spec, "gather_ms", 0)]
    letters = [reader for topic in DEAD_LETTERS for reader in topic.readers]
    assert gathering == ["trending", "serving-watch-states", *letters]
