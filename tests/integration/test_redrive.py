"""The life of a dead letter on real Kafka and Postgres: refused, kept, redriven, applied once."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections import Counter

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner

from agents.catalogue import SPEC as CATALOGUE
from agents.registry import changelogs
from cli.main import main
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from infra.postgres.migrate import migrate
from schemas.codec import encode
from schemas.webhook import WebhookReceived
from tests.support.kafka_io import lag, read_topic
from tests.support.waiting import wait_until, wait_until_async
from tests.support.worker_process import ROOT, WorkerProcess
from topics.catalog import CONTENTS, PROGRESS, WEBHOOKS
from topics.spec import application_id

AGENTS = (
    "catalogue", "watch-states", "serving-contents", WEBHOOKS.dead_letters.readers[0],
    PROGRESS.dead_letters.readers[0],
)  # fmt: skip
VERSIONS = {CATALOGUE.name: CATALOGUE.table_version}  # of tables: a consumer group each
KEPT = """
SELECT source_offset, letter_id FROM dead_letters
WHERE source_topic = %s AND source_partition = %s
"""
PARTITION = 5  # of the progress topic: not where the keys below hash to


class World:
    """One worker on topics that all tests of the session share; names are the test's own."""

    def __init__(self, bootstrap, database_url, directory, unique):
        self.bootstrap = bootstrap
        self.database_url = database_url
        self.directory = directory
        self.namespace = unique("redrive") + "-"
        self.partner = unique("acme")
        self.film = {"imdbID": f"tt{uuid.uuid4().int % 10**10:010}", "Title": "Metropolis"}
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DATABASE_URL": database_url,
            "MEDIA_GATEWAY_NAMESPACE": self.namespace,
            "MEDIA_GATEWAY_DATA_DIR": str(directory),
        }
        self.worker = None

    async def start(self):
        await apply_topics(
            Cluster(self.bootstrap), replication_factor=1, changelogs=changelogs(self.namespace)
        )
        self.worker = WorkerProcess(
            "cli.main", ["worker", "--agents", ",".join(AGENTS)], self.environment, self.directory
        )
        await asyncio.to_thread(self.worker.wait_ready)

    async def send(self, topic, *records, partition=0):
        """Send (key, value) pairs of any kind; return their offsets."""
        offsets = []
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, max_request_size=2 * 1024 * 1024
        ) as producer:
            for key, value in records:
                batch = producer.create_batch()  # send() takes no record without key and value
                batch.append(timestamp=None, key=key, value=value)
                sent = await producer.send_batch(batch, topic.name, partition=partition)
                offsets.append((await sent).offset)
        return offsets

    def webhook(self, number, payload, mapper="generic"):
        """A webhook of this test's partner, as the API writes it."""
        event = WebhookReceived(
            event_id=f"wh-{self.partner}-{number}"[:64], partner=self.partner, mapper=mapper,
            webhook_id=f"msg_{number}", event_type="content_added", platform="p",
            occurred_at_ms=1000 + number, received_at_ms=2000, payload=payload,
        )  # fmt: skip
        return WEBHOOKS.key_of(event), encode(event)

    def start_dlq(self, *arguments):
        """Start a `dlq` command."""
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", "dlq", *arguments],
            cwd=ROOT, env={**os.environ, **self.environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    async def dlq(self, *arguments, fails=False):
        """Run a `dlq` command to its end; return what it printed."""
        runner = CliRunner(env=self.environment)
        result = await asyncio.to_thread(runner.invoke, main, ["dlq", *arguments])
        assert result.exit_code == int(fails), result.output
        return result.stderr_bytes if fails else result.stdout_bytes

    async def letters(self):
        """Letters of this test's partner, the newest failure first."""
        out = await self.dlq("list", "--state", "all", "--json", "--partner", self.partner)
        return [json.loads(line) for line in out.splitlines()]

    async def wait_letters(self, number):
        """Return the letters when there are so many."""
        query = "SELECT 1 FROM dead_letters WHERE partner = %s"

        def enough():
            return len(self.query(query, self.partner)) >= number

        await asyncio.to_thread(wait_until, enough, 60, f"{number} dead letters")
        return await self.letters()

    async def settled(self):
        """Return when the worker has committed everything, its sinks too."""
        sources = ((name, topic) for name, topic in (
            ("catalogue", WEBHOOKS), ("watch-states", PROGRESS),
            ("serving-contents", CONTENTS), (AGENTS[3], WEBHOOKS.dead_letters),
            (AGENTS[4], PROGRESS.dead_letters),
        ))  # fmt: skip
        for name, topic in sources:  # in the order of the flow

            async def committed(name=name, topic=topic):
                group = self.namespace + application_id(name, VERSIONS.get(name, 1))
                return await lag(self.bootstrap, group, topic.name, topic.partitions) == 0

            await wait_until_async(committed, 60, f"{name} to commit everything")

    def query(self, statement, *parameters):
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement, parameters).fetchall()

    def titles(self):
        """Titles that the API would read of this partner."""
        rows = self.query(
            "SELECT title FROM contents WHERE %s = ANY(partners) AND NOT removed", self.partner
        )
        return [title for (title,) in rows]

    async def versions(self):
        """How many records of this partner's contents were published."""
        records = await read_topic(self.bootstrap, CONTENTS.name, 1)
        return sum(self.partner.encode() in (record.value or b"") for record in records)

    async def redriven(self, topic=WEBHOOKS):
        """Records that were redriven, of all tests."""
        records = await read_topic(self.bootstrap, topic.name, topic.partitions)
        return [each for each in records if "redrive.offset" in dict(each.headers)]


@pytest.fixture
async def world(kafka_bootstrap, fresh_database_url, tmp_path, unique):
    migrate(fresh_database_url)
    made = World(kafka_bootstrap, fresh_database_url, tmp_path, unique)
    await made.start()
    yield made
    made.worker.end()


async def test_refused_mended_redriven_applied_once(world):
    [offset] = await world.send(WEBHOOKS, world.webhook(1, world.film))
    [first] = await world.wait_letters(1)
    assert (first["state"], first["reason"], first["attempts"]) == ("open", "rule", 1)
    assert (first["source_offset"], first["webhook_id"]) == (offset, "msg_1")
    assert "id: " in first["detail"]
    assert world.titles() == []

    # Nothing was mended: it comes back, as a letter of its own that knows the first.
    assert b"redriven: 1" in await world.dlq("redrive", str(first["letter_id"]))
    second, before = await world.wait_letters(2)
    assert (before["letter_id"], before["state"]) == (first["letter_id"], "redriven")
    assert before["changed_by"].startswith("cli:")
    assert (second["state"], second["attempts"], second["event_id"]) == (
        "open", 2, first["event_id"],
    )  # fmt: skip
    assert (second["first_offset"], second["first_id"]) == (offset, first["letter_id"])
    assert b"is redriven" in await world.dlq("redrive", str(first["letter_id"]), fails=True)

    # The partner had the wrong mapper.
    filtered = ("redrive", "--partner", world.partner, "--mapper", "film-catalogue")
    assert b"1 would be changed; nothing was" in await world.dlq(*filtered)
    own = [each for each in await world.redriven() if world.partner.encode() in each.key]
    assert len(own) == 1
    assert b"redriven: 1" in await world.dlq(*filtered, "--yes")
    await asyncio.to_thread(wait_until, world.titles, 60, "the content")
    assert world.titles() == ["Metropolis"]
    await world.settled()
    versions = await world.versions()

    # Whatever is sent through again has no effect: as if the marks had been lost.
    world_rows = "UPDATE dead_letters SET state = 'open' WHERE partner = %s RETURNING 1"
    assert len(world.query(world_rows, world.partner)) == 2
    await world.dlq(*filtered, "--yes")
    await world.settled()
    assert world.titles() == ["Metropolis"]
    assert await world.versions() == versions
    assert Counter(each["state"] for each in await world.letters()) == {"redriven": 2}


async def test_killed_between_acknowledgement_and_mark_it_is_applied_once(world):
    [offset] = await world.send(WEBHOOKS, world.webhook(1, world.film))
    [letter] = await world.wait_letters(1)
    arguments = ("redrive", str(letter["letter_id"]), "--mapper", "film-catalogue")
    with psycopg.connect(world.database_url) as blocker:
        blocker.execute("LOCK TABLE dead_letters IN SHARE MODE")  # reads and claims, no marks
        process = world.start_dlq(*arguments)

        async def produced():
            headers = [dict(each.headers) for each in await world.redriven()]
            return any(each["redrive.offset"] == b"%d" % offset for each in headers)

        await wait_until_async(produced, 60, "the record in the source topic")
        process.kill()
        await asyncio.to_thread(process.communicate)
    claim = "SELECT 1 FROM dead_letters WHERE state = 'open' FOR UPDATE SKIP LOCKED"
    await asyncio.to_thread(wait_until, lambda: world.query(claim), 60, "the lock to be gone")
    await asyncio.to_thread(wait_until, world.titles, 60, "the content")
    await world.settled()
    versions = await world.versions()
    entries = "SELECT action, subject FROM audit_entries ORDER BY sequence"
    announced = ("dead-letter.replay-begin", str(letter["letter_id"]))
    assert world.query(entries) == [announced]  # what was sent is known, although not marked
    assert b"redriven: 1" in await world.dlq(*arguments)
    assert world.query(entries)[1:] == [announced, ("dead-letter.replay", announced[1])]
    await world.settled()
    same = [each for each in await world.redriven()
            if dict(each.headers)["redrive.offset"] == b"%d" % offset]  # fmt: skip
    assert len(same) == 2
    assert world.titles() == ["Metropolis"]
    assert await world.versions() == versions == 1
    assert [each["state"] for each in await world.letters()] == ["redriven"]


async def test_bytes_of_any_kind_stay_as_they_are_all_the_way(world):
    given = [
        (world.partner.encode(), os.urandom(1_000_000)), (b"\xff\0", b"\xfe"), (b"k", None),
        (None, b"no key"), (None, None), (b"", b""),
    ]  # fmt: skip
    webhooks = await world.send(WEBHOOKS, *given)
    events = await world.send(PROGRESS, *given, partition=PARTITION)
    for topic, partition, offsets in ((WEBHOOKS, 0, webhooks), (PROGRESS, PARTITION, events)):

        def kept(place=(topic.name, partition), offsets=offsets):
            found = dict(world.query(KEPT, *place))
            return found if set(offsets) <= found.keys() else None

        found = await asyncio.to_thread(wait_until, kept, 60, "all dead letters")
        ids = [str(found[offset]) for offset in offsets]
        for letter_id, (_, value) in zip(ids, given, strict=True):
            assert await world.dlq("show", letter_id, "--raw") == (value or b"")
        assert b"redriven: 6" in await world.dlq("redrive", *ids)
        again = {
            int(dict(each.headers)["redrive.offset"]): (each.partition, each.key, each.value)
            for each in await world.redriven(topic)
        }
        sent = [again[offset] for offset in offsets]
        assert sent == [(partition, key, value) for key, value in given]
