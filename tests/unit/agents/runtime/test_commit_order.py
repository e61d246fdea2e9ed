"""A commit never makes state or offsets durable before the emits they belong to.

Method: a runner with a producer under our control; commits are called at the moments in which the
event loop could run them.
"""

import asyncio
from types import SimpleNamespace

import pytest

from agents.runtime import stream
from agents.runtime.stream import StreamRunner
from agents.runtime.table import PartitionTable
from agents.spec import BaseStep, Emit, Outcome, Record, StreamAgent
from infra.settings import Settings
from topics.catalog import INTERACTIONS, PROGRESS


class Storing(BaseStep):
    """Stores and emits every record; ``poison`` raises."""

    def on_batch(self, partition, records, table, now_ms):
        for record in records:
            if record.value == b"poison":
                raise RuntimeError("poison")
            table.put(record.key.decode(), record.value)
        emits = [Emit(INTERACTIONS, record.key, b"i", partition) for record in records]
        return Outcome(emits=emits, applied=len(records))


class HeldProducer:
    """Takes emits only when ``open`` is set; acknowledges them when told to."""

    def __init__(self):
        self.open = asyncio.Event()
        self.acknowledgements = []
        self.changelog = []

    async def emit(self, emits):
        await self.open.wait()
        future = asyncio.get_running_loop().create_future()
        self.acknowledgements.append(future)
        return [future]

    async def dead_letter(self, rejects, topic, agent):
        return []

    async def write(self, topic, partition, items):
        self.changelog += [item.key for item in items]
        return []


def record(offset, value=b"v"):
    return Record(PROGRESS.name, 0, offset, 0, f"k{offset}".encode(), value)


@pytest.fixture
async def runner(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "UNACKNOWLEDGED_MAX", 0)  # wait after each slice
    agent = StreamAgent(
        name="storing", source=PROGRESS, table="stored", emits=(INTERACTIONS,),
        create_step=lambda settings: Storing(),
    )  # fmt: skip
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path)
    made = StreamRunner(agent, settings, HeldProducer(), lambda error: None)
    made.app = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda tp: 0))
    made._tables = {0: PartitionTable()}
    return made


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_commit_waits_for_emits_that_a_slice_is_waiting_for(runner):
    producer = runner.emitter
    producer.open.set()
    first = asyncio.create_task(runner._process_slice(0, [record(0)]))
    await settle()  # sent, kept back until acknowledged: the slice waits
    commit = asyncio.create_task(runner.make_durable({0: 1}))
    await settle()
    assert not commit.done()
    producer.acknowledgements[0].set_result(None)
    await asyncio.gather(first, commit)


async def test_commit_fails_when_an_emit_fails(runner):
    producer = runner.emitter
    producer.open.set()
    slice_ = asyncio.create_task(runner._process_slice(0, [record(0)]))
    await settle()
    commit = asyncio.create_task(runner.make_durable({0: 1}))
    await settle()
    producer.acknowledgements[0].set_exception(TimeoutError("the leader is away"))
    results = await asyncio.gather(slice_, commit, return_exceptions=True)
    assert [type(each) for each in results] == [TimeoutError, TimeoutError]
    assert producer.changelog == []


async def test_commit_finds_no_state_of_a_broken_batch_before_its_emits_are_sent(runner):
    producer = runner.emitter
    batch = [record(0), record(1, b"poison"), record(2)]
    processing = asyncio.create_task(runner._process_slice(0, batch))
    await settle()  # the producer has no room: nothing is sent yet
    await runner.make_durable(dict(runner.positions))
    assert producer.changelog == []
    assert runner.positions == {}
    producer.open.set()
    await settle()
    while not processing.done():
        for future in producer.acknowledgements:
            if not future.done():
                future.set_result(None)
        await settle()
    await runner.make_durable(dict(runner.positions))
    assert sorted(producer.changelog) == [b"k0", b"k2"]
    assert runner.positions == {0: 3}
