"""The runtime on real Kafka: dead letters, drain, recovery, and kill -9 under load.

The agent under test counts records per key, so one lost or doubled record is visible as a number.
"""

import asyncio
import os
import random

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.counting_agent import counting_agent
from tests.support.kafka_io import read_topic
from tests.support.waiting import wait_until_async
from tests.support.worker_process import WorkerProcess

PARTITIONS = 4


class Counting:
    """Topics, a producer and workers of one test."""

    def __init__(self, name, bootstrap, directory):
        self.name = name
        self.bootstrap = bootstrap
        self.directory = directory
        self.workers = []
        self.agent = counting_agent(name, PARTITIONS)

    async def create_topics(self):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        next_changelog = counting_agent(self.name, PARTITIONS, table_version=2).changelog
        names = [self.name, f"{self.name}-counts", f"{self.name}.dlq"]
        names += [self.agent.changelog, next_changelog]
        config = {"max.message.bytes": str(4 * 1024 * 1024)}
        await admin.create_topics([NewTopic(n, PARTITIONS, 1, topic_configs=config) for n in names])
        await admin.close()

    def worker(self, *version):
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap}
        process = WorkerProcess(
            "tests.support.counting_agent", [self.name, str(PARTITIONS), *version], environment,
            self.directory,
        )  # fmt: skip
        self.workers.append(process)
        return process

    async def send(self, pairs, pause_s=0.0):
        """Send (key, value) pairs; return (partition, offset) of each."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True,
            max_request_size=2 * 1024 * 1024,
        )  # fmt: skip
        async with producer:
            futures = []
            for key, value in pairs:
                futures.append(await producer.send(self.name, key=key, value=value))
                if pause_s:
                    await asyncio.sleep(pause_s)
            done = await asyncio.gather(*futures)
        return [(each.partition, each.offset) for each in done]

    async def read(self, topic):
        """All records of a topic."""
        return await read_topic(self.bootstrap, topic, PARTITIONS)

    async def counts(self):
        """Latest count per key, from the emitted records in order of source offset."""
        latest = {}
        for record in await self.read(f"{self.name}-counts"):
            offset, count = (int(part) for part in record.value.split(b":"))
            latest[record.key] = max(latest.get(record.key, (-1, 0)), (offset, count))
        return {key: count for key, (_, count) in latest.items()}

    async def committed(self):
        """Committed offset per partition of the source topic (-1: none)."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=f"media-gateway-{self.agent.name}",
            enable_auto_commit=False,
        )
        async with consumer:
            return [
                await consumer.committed(TopicPartition(self.name, number)) or 0
                for number in range(PARTITIONS)
            ]

    async def wait_counted(self, total, timeout_s=120):
        async def counted():
            return sum((await self.counts()).values()) >= total

        await wait_until_async(counted, timeout_s, f"{total} records counted")


@pytest.fixture
async def counting(kafka_bootstrap, unique, tmp_path):
    setup = Counting(unique("counting"), kafka_bootstrap, tmp_path)
    await setup.create_topics()
    yield setup
    for worker in setup.workers:
        worker.end()


async def test_a_new_table_version_reads_the_source_from_its_beginning(counting):
    first = counting.worker()
    first.wait_ready()
    await counting.send([(f"k{number % 7}".encode(), b"1") for number in range(70)])
    await counting.wait_counted(70)
    first.terminate()
    before = await counting.counts()
    second = counting.worker("2")
    second.wait_ready()
    await counting.send([(b"k0", b"1")])

    async def counted_again():
        return len(await counting.read(f"{counting.name}-counts")) == 141

    await wait_until_async(counted_again, 60, "everything counted a second time, and one more")
    assert await counting.counts() == before | {b"k0": before[b"k0"] + 1}


async def test_unprocessable_records_are_dead_lettered_byte_for_byte_and_the_next_is_processed(
    counting,
):
    huge = os.urandom(1_000_000)
    worker = counting.worker()
    worker.wait_ready()
    places = await counting.send(
        [
            (b"k", b"1"),
            (b"k", b"bad"),
            (b"k", b"boom"),
            (b"k", b"1"),
            (b"x", b"boom"),
            (b"k", b"swell"),
        ]
    )
    await counting.wait_counted(2)
    await counting.send([(b"k", huge)])  # not poison for this agent: proves that size travels
    await counting.wait_counted(3)
    letters = {}
    for letter in await counting.read(f"{counting.name}.dlq"):
        headers = {name: value.decode() for name, value in letter.headers}
        place = (int(headers["dlq.partition"]), int(headers["dlq.offset"]))
        letters[place] = (letter.key, letter.value, headers["dlq.reason"], headers["dlq.topic"])
    assert letters == {
        places[1]: (b"k", b"bad", "rule", counting.name),
        places[2]: (b"k", b"boom", "step", counting.name),
        places[4]: (b"x", b"boom", "step", counting.name),
        places[5]: (b"k", b"swell", "rule", counting.name),
    }


async def test_a_failed_worker_ends_at_once_and_says_why(counting):
    worker = counting.worker()
    worker.wait_ready()
    await counting.send([(b"k", b"1")])
    await counting.wait_counted(1)
    await counting.send([(b"k", b"stray")])  # our own mistake: stop, commit nothing of it
    assert await asyncio.to_thread(worker.wait_end, 30) == 1
    assert "does not declare playback.watch-states.v1" in worker.output()


async def test_sigterm_drains_commits_and_a_second_worker_carries_on(counting):
    first = counting.worker()
    first.wait_ready()
    await counting.send([(f"k{i % 50}".encode(), b"1") for i in range(5000)])
    await counting.wait_counted(5000)
    assert first.terminate(timeout_s=10) == 0
    assert sum(await counting.committed()) == 5000
    second = counting.worker()
    second.wait_ready()
    await counting.send([(f"k{i % 50}".encode(), b"1") for i in range(500)])
    await counting.wait_counted(5500)
    assert await counting.counts() == {f"k{i}".encode(): 110 for i in range(50)}
    # The changelog holds coalesced state, not one record per event.
    assert len(await counting.read(counting.agent.changelog)) < 3000


async def test_five_kills_and_a_joining_worker_lose_and_double_nothing(counting):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # noqa: T201 -- shown when the test fails
    dice = random.Random(seed)
    total, keys = 12_000, 40
    pairs = [(f"k{dice.randrange(keys)}".encode(), b"1") for _ in range(total)]
    expected = {}
    for key, _ in pairs:
        expected[key] = expected.get(key, 0) + 1
    sending = asyncio.create_task(counting.send(pairs, pause_s=0.002))
    alive = [counting.worker()]
    await asyncio.to_thread(alive[0].wait_ready)
    for kill in range(5):
        await asyncio.sleep(dice.uniform(0.3, 2.0))  # a random moment, not a wait for a condition
        victim = alive.pop(dice.randrange(len(alive)))
        victim.kill()
        alive.append(counting.worker())
        if kill == 1:
            alive.append(counting.worker())  # a second worker joins and stays
        await asyncio.to_thread(alive[-1].wait_ready)
    await sending
    await counting.wait_counted(total, timeout_s=180)
    assert await counting.counts() == expected
    for worker in alive:
        assert worker.terminate(timeout_s=10) == 0
    assert sum(await counting.committed()) == total
