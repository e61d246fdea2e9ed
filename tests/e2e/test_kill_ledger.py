"""kill -9 of watch-states workers under load: each event answered 202 is applied exactly once.

Goal: accepted = applied + dead-lettered, checked from the topics alone by a fold that shares no
code with the ledger. Method: real Kafka, Postgres, API process and workers; events go in over HTTP,
some twice, some late; poison goes straight into the topic; five workers are killed at random
moments and a second one joins.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from aiokafka import AIOKafkaProducer

from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.process import free_port
from tests.support.api_process import PLENTY
from tests.support.kafka_io import lag, read_topic
from tests.support.naive_ledger import fold
from tests.support.waiting import wait_until, wait_until_async
from tests.support.worker_process import ROOT, WorkerProcess
from topics.catalog import INTERACTIONS, PROGRESS, USER_PARTITIONS, WATCH_STATES
from topics.spec import application_id

USERS, TITLES, BATCHES, BATCH = 25, 8, 240, 20
POSITIONAL = ("source_offset", "interaction_offset", "recent_events")
HUGE = b'{"event_id":"' + b"x" * 1_000_000 + b'"}'
WRONG_SCHEMA = b'{"event_id":"e","user_id":"u1"}'
POISON = [(b"u1", b"\xff\xfenot json"), (b"u2", WRONG_SCHEMA), (b"u3", HUGE), (b"u1", b"")]


def events_of_viewers(dice):
    """Batches of client events: sessions with heartbeats, seeks and rewatches, shuffled."""
    events = []
    for user in range(USERS):
        for title in range(TITLES):
            for session in range(dice.choice((1, 1, 2))):
                events += session_events(dice, f"u{user}", f"c{title}", session)
    dice.shuffle(events)
    events = events[: BATCHES * BATCH]
    return [events[at : at + BATCH] for at in range(0, len(events), BATCH)]


def session_events(dice, user, title, session):
    at, position = 1_700_000_000_000 + session * 86_400_000 + dice.randrange(10**7), 0
    for number in range(dice.randrange(4, 24)):
        played = dice.randrange(20, 400)
        state = dice.choice(("playing", "playing", "playing", "paused", "seeking", "stopped"))
        yield {
            "event_id": f"{user}-{title}-{session}-{number}", "user_id": user,
            "content_id": title, "session_id": f"{user}-{title}-{session}", "device_id": "tv",
            "state": state, "position_s": position + played, "duration_s": 3600.0,
            "occurred_at_ms": at, "played_from_s": position, "played_to_s": position + played,
        }  # fmt: skip
        position += played
        at += played * 1000


class Services:
    """Kafka, database and API of this test."""

    def __init__(self, bootstrap, database_url, directory):
        self.bootstrap = bootstrap
        self.directory = directory
        self.port = free_port()
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DATABASE_URL": database_url,
            **PLENTY,
        }
        self.command("migrate")
        self.command("topics", "apply")
        self.key = self.command("key", "create", "test").splitlines()[-1]
        self.processes = []
        self.process("api", "--port", str(self.port))
        wait_until(self.api_is_ready, 90, "API ready")

    def command(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments], cwd=ROOT, check=False, timeout=120,
            env={**os.environ, **self.environment}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def process(self, *arguments):
        process = WorkerProcess("cli.main", arguments, self.environment, self.directory)
        self.processes.append(process)
        return process

    def worker(self):
        return self.process("worker", "--agents", "watch-states")

    def api_is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as got:
                return got.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def post(self, events):
        """Post one batch; return the ids answered as accepted (none when the answer is not 202)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/progress", json.dumps(events).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 202
                results = json.load(answer)["results"]
        except urllib.error.HTTPError as refused:
            if refused.code != 503:
                raise
            return []
        return [each["event_id"] for each in results if each["status"] == "accepted"]


@pytest.fixture
def services(fresh_database_url, tmp_path):
    kafka = EmbeddedKafka(tmp_path / "kafka")
    running = Services(kafka.start(timeout_s=120), fresh_database_url, tmp_path / "processes")
    yield running
    for process in running.processes:
        process.end()
    kafka.stop()


class Load(threading.Thread):
    """Posts batches, each tenth one twice, and keeps the ids answered 202."""

    def __init__(self, services, batches):
        super().__init__()
        self.services, self.batches = services, batches
        self.accepted, self.failure = set(), None

    def run(self):
        try:
            for number, batch in enumerate(self.batches):
                self.accepted.update(self.services.post(batch))
                if number % 10 == 0:
                    self.accepted.update(self.services.post(batch))
                time.sleep(0.05)  # spreads the load over the kills
        except BaseException as error:
            self.failure = error
            raise


async def send_poison(bootstrap):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2**21) as producer:
        for key, value in POISON:
            await producer.send_and_wait(PROGRESS.name, key=key, value=value)


async def test_every_accepted_event_is_applied_exactly_once_whatever_dies(services):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # noqa: T201 -- shown when the test fails
    dice = random.Random(seed)
    load = Load(services, events_of_viewers(dice))
    alive = [services.worker()]
    await asyncio.to_thread(alive[0].wait_ready)
    load.start()
    for kill in range(5):
        await asyncio.sleep(dice.uniform(0.2, 1.5))  # a random moment, not a wait for a condition
        alive.pop(dice.randrange(len(alive))).kill()
        alive.append(services.worker())
        if kill == 1:
            alive.append(services.worker())  # a second one joins and stays
        if kill == 2:
            await send_poison(services.bootstrap)
        await asyncio.to_thread(alive[-1].wait_ready)
    await asyncio.to_thread(load.join)
    assert load.failure is None
    assert load.accepted

    async def all_processed():
        group = application_id("watch-states")
        return await lag(services.bootstrap, group, PROGRESS.name, USER_PARTITIONS) == 0

    await wait_until_async(all_processed, 120, "every progress event committed")
    await check_from_topics(services.bootstrap, load.accepted)
    for worker in alive:
        assert worker.terminate(timeout_s=10) == 0


async def check_from_topics(bootstrap, accepted):
    progress = await read_topic(bootstrap, PROGRESS.name, USER_PARTITIONS)
    poison = {value for _, value in POISON}
    good = [json.loads(record.value) for record in progress if record.value not in poison]
    assert accepted <= {event["event_id"] for event in good}

    letters = await read_topic(bootstrap, PROGRESS.dead_letter_name, USER_PARTITIONS)
    places = {(r.partition, r.offset): (r.key, r.value) for r in progress if r.value in poison}
    found = {}
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        place = (int(headers["dlq.partition"]), int(headers["dlq.offset"]))
        assert headers["dlq.reason"] == "decode", headers
        found[place] = (letter.key, letter.value)
    assert found == places
    assert len(places) == len(POISON)

    states = await read_topic(bootstrap, WATCH_STATES.name, USER_PARTITIONS)
    ledger = {record.key.decode(): json.loads(record.value) for record in states}
    expected = fold(good)
    assert {"|".join(key) for key in expected} == set(ledger)
    for (user, title), view in expected.items():
        actual = ledger[f"{user}|{title}"]
        for name in POSITIONAL:
            actual.pop(name)
        assert actual == {name: value for name, value in view.items() if value is not None}
    check_interactions(await read_topic(bootstrap, INTERACTIONS.name, USER_PARTITIONS), expected)


def check_interactions(records, expected):
    """Behind the guard that consumers use, no interaction is missing or there twice."""
    newest, seen = {}, {}
    for record in records:
        interaction = json.loads(record.value)
        pair = (interaction["source_offset"], interaction["ordinal"])
        if pair <= newest.get(record.partition, (-1, 0)):
            continue
        newest[record.partition] = pair
        identity = interaction["interaction_id"]
        assert identity not in seen, interaction
        seen[identity] = interaction
    kinds = {}
    for each in seen.values():
        kinds.setdefault(each["kind"], set()).add((each["user_id"], each["content_id"]))
    assert kinds["completed"] == {key for key, view in expected.items() if view["completions"]}
    assert kinds["started"] == {key for key, view in expected.items() if view["started_at_ms"]}
