"""Audit entries on their way to Kafka, and ``media-gateway audit`` over table and topic.

Method: the topic is emptied before each test, as retention would, since its entries belong to the
database of one test.
"""

import asyncio
import json
import time
from collections import Counter
from contextlib import asynccontextmanager

import psycopg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import NotLeaderForPartitionError
from click.testing import CliRunner
from prometheus_client import REGISTRY

from cli.main import main
from domain.audit import EMPTY, follow, head_of
from infra.audit_outbox import publish_batch
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from infra.kafka.producer import EventProducer, KafkaUnavailable
from infra.postgres.audit import INSERT, MARKED_ALONE, AuditTrail, append, read_head, read_marked
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.settings import Settings
from schemas.audit_entry import AuditEntry, AuditFact
from schemas.codec import decode, encode
from tests.support.kafka_io import read_topic, write_topic
from tests.support.operators import CLI
from tests.support.waiting import wait_until, wait_until_async
from tests.support.worker_process import WorkerProcess
from topics.catalog import AUDIT_ENTRIES


@pytest.fixture
async def topic(kafka_bootstrap):
    await apply_topics(Cluster(kafka_bootstrap), replication_factor=1)
    await wait_until_async(lambda: emptied(kafka_bootstrap), 60, "the topic is empty")
    return kafka_bootstrap


async def emptied(bootstrap):
    """Delete all records; False while the partition of a new topic has no leader yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        everything = {TopicPartition(AUDIT_ENTRIES.name, 0): RecordsToDelete(before_offset=-1)}
        await admin.delete_records(everything)
    except NotLeaderForPartitionError:
        return False
    finally:
        await admin.close()
    return True


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


@asynccontextmanager
async def producer_of(bootstrap):
    producer = EventProducer(Cluster(bootstrap), timeout_ms=20_000, linger_ms=1)
    await producer.start(wait_s=20)
    try:
        yield producer
    finally:
        await producer.stop()


class LosesAnswers:
    """Sends, and then says that it did not."""

    def __init__(self, producer):
        self.producer = producer

    async def send_many(self, spec, values):
        await self.producer.send_many(spec, values)
        raise KafkaUnavailable("the answer was lost")


async def enter(pool, count):
    for number in range(count):
        async with pool.connection() as connection, connection.transaction():
            await append(connection, CLI, "partner.create", f"p{number}")


async def enter_of(pool, at_ms):
    """Add an entry of another time than now."""
    fact = AuditFact(
        actor_kind="cli", actor="cli:test", action="partner.create", subject="old", at_ms=at_ms
    )
    async with pool.connection() as connection, connection.transaction():
        entry = follow(await read_head(connection), fact)
        await connection.execute(INSERT, entry.model_dump())


async def change(pool, statement):
    """Do what only the owner of the database can."""
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        await connection.execute(statement)


def ago_ms(seconds):
    return time.time_ns() // 1_000_000 - seconds * 1000


async def published(bootstrap):
    records = await read_topic(bootstrap, AUDIT_ENTRIES.name, 1)
    return [decode(AuditEntry, record.value) for record in records]


async def marked(pool):
    async with pool.connection() as connection:
        return await read_marked(connection)


def verified(url, bootstrap, *options):
    env = {"DATABASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": bootstrap}
    return CliRunner(env=env).invoke(main, ["audit", "verify", *options])


async def verify(url, bootstrap, *options):
    """Run the command in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(verified, url, bootstrap, *options)


async def test_entries_are_published_in_order_once(topic, pool):
    await enter(pool, 3)
    async with producer_of(topic) as producer:
        counts = await asyncio.gather(*(publish_batch(pool, producer) for _ in range(4)))
        assert Counter(counts) == {3: 1, 0: 3}
        await enter(pool, 2)
        assert await publish_batch(pool, producer) == 2
        assert await publish_batch(pool, producer) == 0
    [table] = [batch async for batch in AuditTrail(pool).entries()]
    assert await published(topic) == table
    assert await marked(pool) == 5


async def test_a_lost_answer_repeats_entries_and_loses_none(topic, pool, fresh_database_url):
    await enter(pool, 3)
    async with producer_of(topic) as producer:
        with pytest.raises(KafkaUnavailable):
            await publish_batch(pool, LosesAnswers(producer))
        assert await marked(pool) == 0
        await enter(pool, 1)
        assert await publish_batch(pool, producer) == 4
    assert [entry.sequence for entry in await published(topic)] == [1, 2, 3, 1, 2, 3, 4]
    result = await verify(fresh_database_url, topic)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("4 entries hold, 4 of them are in the topic")


async def test_a_worker_publishes_and_its_successor_goes_on(
    topic, pool, fresh_database_url, tmp_path
):
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": topic, "DATABASE_URL": fresh_database_url,
        "MEDIA_GATEWAY_NAMESPACE": tmp_path.name,
    }  # fmt: skip

    def worker():
        arguments = ["worker", "--agents", "serving-models"]
        return WorkerProcess("cli.main", arguments, environment, tmp_path)

    def mark_is(wanted):
        with psycopg.connect(fresh_database_url) as connection:
            return connection.execute("SELECT sequence FROM audit_published").fetchone() == (
                wanted,
            )

    await enter(pool, 2)
    first = worker()
    try:
        await asyncio.to_thread(wait_until, lambda: mark_is(2), 240, "the first two")
        first.kill()
        await enter(pool, 3)
        second = worker()
        try:
            await asyncio.to_thread(wait_until, lambda: mark_is(5), 240, "the next three")
            assert second.terminate() == 0
        finally:
            second.end()
    finally:
        first.end()
    assert [entry.sequence for entry in await published(topic)] == [1, 2, 3, 4, 5]
    assert (await verify(fresh_database_url, topic)).exit_code == 0


async def test_verify_prints_the_head_and_names_the_first_break(topic, pool, fresh_database_url):
    await enter(pool, 5)
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
        await enter(pool, 1)  # not in the topic yet, and new: no break
    whole = await verify(fresh_database_url, topic)
    assert whole.exit_code == 0, whole.output
    head = whole.stdout.splitlines()[-1]
    assert head.startswith("6:")
    assert (await verify(fresh_database_url, topic, "--head", head)).exit_code == 0

    async def after(statement, *options):
        await change(pool, statement)
        result = await verify(fresh_database_url, topic, *options)
        assert result.exit_code == 1, result.output
        return result.output.splitlines()[-1].removeprefix("Error: ")

    cut = await after("DELETE FROM audit_entries WHERE sequence = 6", "--head", head)
    assert cut == "entry 6: it is missing; the given head is 6"
    cut = await after("DELETE FROM audit_entries WHERE sequence = 5")
    assert cut == "entry 5: the topic has it, the table does not"
    changed = await after("UPDATE audit_entries SET actor = 'x' WHERE sequence = 3")
    assert changed == "entry 3: its content does not have its hash"
    removed = await after("DELETE FROM audit_entries WHERE sequence = 2")
    assert removed == "entry 2: it is missing; the next one there is 3"
    emptied = await after("DELETE FROM audit_entries")
    assert emptied == "entry 1: the topic has it, the table does not"


async def test_a_mark_that_was_moved_up_or_removed_hides_nothing(
    topic, pool, fresh_database_url, caplog
):
    await enter(pool, 2)
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
        await change(pool, "UPDATE audit_published SET sequence = 1000")
        await enter(pool, 2)
        assert await publish_batch(pool, producer) == 0
        assert REGISTRY.get_sample_value("mg_audit_unpublished_entries") == -996
        assert "marked as published up to 1000" in caplog.text
        moved = await verify(fresh_database_url, topic)
        await change(pool, "DELETE FROM audit_entries WHERE sequence > 2")
        cut = await verify(fresh_database_url, topic)
        await change(pool, "DELETE FROM audit_published")
        assert await publish_batch(pool, producer) == 0
        assert "the row of audit_published was removed" in caplog.text
        assert REGISTRY.get_sample_value("mg_audit_unpublished_entries") == -1
        gone = await verify(fresh_database_url, topic)
    for result, said in (
        (moved, "entry 3: it was published, but the topic does not have it"),
        (cut, "entry 3: the table does not have it, but says that it was published up to 1000"),
        (gone, "entry 3: the mark of what was published is gone"),
    ):
        assert result.exit_code == 1, result.output
        assert said in result.output


async def test_a_mark_that_somebody_keeps_locked_is_seen(topic, pool, fresh_database_url, caplog):
    """Also without a worker: to `verify` a lock that is held and a worker that is away are one."""
    gauge = "mg_audit_unpublished_entries"
    await enter(pool, 2)
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
        assert REGISTRY.get_sample_value(gauge) == 0
        async with pool.connection() as holder, holder.transaction():
            assert await (await holder.execute(MARKED_ALONE)).fetchone() == (2,)
            await enter(pool, 1)
            assert await publish_batch(pool, producer) == 0
            assert REGISTRY.get_sample_value(gauge) == 1
            assert "waits to be published" not in caplog.text
            fresh = await verify(fresh_database_url, topic)
            await change(pool, "DELETE FROM audit_entries WHERE sequence = 3")
            await enter_of(pool, ago_ms(100))
            await enter(pool, 1)
            assert await publish_batch(pool, producer) == 0
            assert REGISTRY.get_sample_value(gauge) == 2
            assert "audit entry 3 waits to be published for" in caplog.text
            old = await verify(fresh_database_url, topic)
        assert await publish_batch(pool, producer) == 2
    assert REGISTRY.get_sample_value(gauge) == 0
    assert fresh.exit_code == 0, fresh.output
    assert old.exit_code == 1, old.output
    assert "entry 3: not published for" in old.output
    assert (await verify(fresh_database_url, topic)).exit_code == 0


async def test_a_topic_that_was_emptied_is_no_retention(topic, pool, fresh_database_url):
    three_years_s = AUDIT_ENTRIES.retention_ms // 1000
    await enter_of(pool, ago_ms(three_years_s + 60))
    await enter_of(pool, ago_ms(three_years_s - 3600))  # within the margin
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
        assert await emptied(topic)
        aged = await verify(fresh_database_url, topic)
        await enter(pool, 3)
        await publish_batch(pool, producer)
        whole = await verify(fresh_database_url, topic)
    assert await emptied(topic)
    lost = await verify(fresh_database_url, topic)
    await change(pool, "DELETE FROM audit_entries WHERE sequence = 5")
    await change(pool, "UPDATE audit_published SET sequence = 4")
    cut = await verify(fresh_database_url, topic)
    assert (aged.exit_code, whole.exit_code) == (0, 0), aged.output + whole.output
    assert whole.stdout.startswith("5 entries hold, 3 of them are in the topic")
    lacks = "entry 3: it was published, but the topic does not have it, nor"
    for result, more in ((lost, "2 more up to entry 5"), (cut, "1 more up to entry 4")):
        assert result.exit_code == 1, result.output
        assert f"{lacks} {more}" in result.output


async def test_a_lost_topic_is_filled_again_from_a_mark_of_zero(topic, pool, fresh_database_url):
    await enter(pool, 3)
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
        assert await emptied(topic)
        assert (await verify(fresh_database_url, topic)).exit_code == 1
        await change(pool, "UPDATE audit_published SET sequence = 0")
        assert await publish_batch(pool, producer) == 3
    result = await verify(fresh_database_url, topic)
    assert result.exit_code == 0, result.output


async def test_table_and_topic_emptied_together_are_found_by_the_mark(
    topic, pool, fresh_database_url
):
    await enter(pool, 2)
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
    await change(pool, "DELETE FROM audit_entries")
    assert await emptied(topic)
    result = await verify(fresh_database_url, topic)
    assert result.exit_code == 1, result.output
    assert "entry 1: the table does not have it" in result.output


async def test_a_trail_that_was_rewritten_as_a_whole_differs_from_the_topic(
    topic, pool, fresh_database_url
):
    await enter(pool, 3)
    async with producer_of(topic) as producer:
        await publish_batch(pool, producer)
    head, forged = EMPTY, []
    for number in range(3):
        fact = AuditFact(
            actor_kind="cli", actor="cli:mallory", action="partner.create", subject=f"q{number}",
            at_ms=1,
        )  # fmt: skip
        forged.append(follow(head, fact))
        head = head_of(forged[-1])
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        for entry in forged:
            await connection.execute(
                "UPDATE audit_entries SET actor = %s, subject = %s, at_ms = 1, prev_sha256 = %s, "
                "entry_sha256 = %s WHERE sequence = %s",
                (entry.actor, entry.subject, entry.prev_sha256, entry.entry_sha256, entry.sequence),
            )
    result = await verify(fresh_database_url, topic)
    assert result.exit_code == 1
    assert "entry 1: the table's differs from the topic's" in result.output
    await write_topic(topic, AUDIT_ENTRIES, [(b"1", encode(forged[0]))])
    result = await verify(fresh_database_url, topic)
    assert "entry 1: the topic has it with other content" in result.output


async def test_what_is_no_entry_in_the_topic_is_said(topic, pool, fresh_database_url):
    await write_topic(topic, AUDIT_ENTRIES, [(b"1", b"{}")])
    result = await verify(fresh_database_url, topic)
    assert result.exit_code == 1
    assert "of the topic holds no entry" in result.output


async def test_the_trail_is_listed_and_exported(pool, fresh_database_url, tmp_path):
    await enter(pool, 3)
    async with pool.connection() as connection, connection.transaction():
        await append(connection, CLI, "key.create", "a\r\n\x1b[31mname")

    def run(*arguments):
        env = {"DATABASE_URL": fresh_database_url}
        return CliRunner(env=env).invoke(main, ["audit", *arguments])

    listed = await asyncio.to_thread(run, "list", "--actor", "cli:test", "--limit", "2")
    first, second = listed.output.splitlines()
    assert first.split("\t")[2:5] == ["cli:test", "key.create", r"a\x0d\x0a\x1b[31mname"]
    assert second.split("\t")[0] == "3"
    since = await asyncio.to_thread(run, "list", "--since", "2100-01-01T00:00:00Z")
    assert since.output == ""
    wrong = await asyncio.to_thread(run, "list", "--since", "yesterday")
    assert wrong.exit_code == 2
    path = tmp_path / "trail.jsonl"
    assert (await asyncio.to_thread(run, "export", "--output", str(path))).exit_code == 0
    lines = path.read_text().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [1, 2, 3, 4]
    entries = [decode(AuditEntry, line.encode()) for line in lines]
    assert entries == [each async for batch in AuditTrail(pool).entries() for each in batch]
    assert "is not a head" in verified(fresh_database_url, "127.0.0.1:1", "--head", "7").output
