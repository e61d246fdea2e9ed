"""A user is erased while others watch: nothing is left in tables, state, files; nothing comes back.

Method: a broker of its own, worker processes, the commands as a person runs them. At the end the
topics are told to close and clean segments within seconds instead of days. The user's id, events,
sessions and devices share one word, which is then searched for in the bytes of all files.
"""

import asyncio
import base64
import json
import subprocess
import sys
from contextlib import suppress
from itertools import count, islice

import psycopg
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from agents.registry import changelogs
from cli.bench.events import Population, progress_events
from infra.embedded import kafka as embedded_kafka
from infra.embedded.kafka import EmbeddedKafka
from infra.kafka.admin import apply_topics, describe_topics, list_topics, open_admin
from infra.kafka.cluster import Cluster
from infra.kafka.routing import partition_of
from infra.postgres.audit import Actor
from infra.postgres.erasures import ErasureStore
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.privacy.marks import mark_of, write_marks
from infra.security.pseudonyms import Pseudonyms
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.codec import encode
from schemas.content import Content
from schemas.progress import ProgressEvent
from tests.support.kafka_io import lag, latest, read_topic, write_topic
from tests.support.waiting import wait_until_async
from tests.support.worker_process import ROOT, WorkerProcess
from topics.catalog import CONTENTS, INTERACTIONS, PROGRESS, SLATES, START_SCORES, WATCH_STATES
from topics.spec import application_id

CANARY = "canary-7f3a9c"
TITLES = 40
T = 1_760_000_000_000
KEY, ERASURE_KEY = (base64.b64encode(bytes([number]) * 32).decode() for number in (7, 9))
STREAMS = "watch-states,trending,slates"
AGENTS = (f"{STREAMS},co-watch,serving-watch-states,serving-slates", "value-model")
QUICK_BROKER = """\
log.cleaner.backoff.ms=200
log.cleaner.min.cleanable.ratio=0.01
log.segment.delete.delay.ms=100
log.retention.check.interval.ms=500
log.initial.task.delay.ms=500
"""


@pytest.fixture
def kafka(tmp_path, monkeypatch):
    properties = embedded_kafka.SERVER_PROPERTIES + QUICK_BROKER
    monkeypatch.setattr(embedded_kafka, "SERVER_PROPERTIES", properties)
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        yield broker


class System:
    """The running system of this test."""

    def __init__(self, kafka, database_url, folder):
        self.bootstrap = kafka.bootstrap_servers
        self.log_folder = kafka.data_dir / "log"
        self.database_url = database_url
        self.folder = folder
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, "DATABASE_URL": database_url,
            "MEDIA_GATEWAY_SECRETS_KEY": KEY, "MEDIA_GATEWAY_ERASURE_KEY": ERASURE_KEY,
            "MEDIA_GATEWAY_COWATCH_RENEW_S": "1", "MEDIA_GATEWAY_REGRESSION_REFIT_S": "1",
        }  # fmt: skip
        self.workers = []

    def start(self, agents, **environment):
        worker = WorkerProcess(
            "cli.main", ["worker", "--agents", agents], {**self.environment, **environment},
            self.folder / "workers",
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    async def command(self, *arguments):
        """Run a command of ``media-gateway`` while this process goes on."""
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "cli.main", *arguments, "--data-dir", str(self.folder / "none")],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            env={"PATH": "/usr/bin:/bin", **self.environment},
        )  # fmt: skip

    async def search(self):
        answer = await self.command("erase", "search", "--user", CANARY, "--json")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return json.loads(answer.stdout)

    def rows(self, table, word=CANARY):
        with psycopg.connect(self.database_url) as connection:
            query = f"SELECT count(*) FROM {table} t WHERE strpos(t::text, %s) > 0"
            return connection.execute(query, (word,)).fetchone()[0]

    def files_with_canary(self):
        found = []
        for path in self.log_folder.rglob("*"):
            with suppress(FileNotFoundError):  # the broker removed it
                if path.is_file() and CANARY.encode() in path.read_bytes():
                    found.append(f"{path.parent.name}/{path.name}")
        return sorted(found)

    async def followed(self, agent, topic, namespace=""):
        async def is_there():
            group = namespace + application_id(agent)
            return await lag(self.bootstrap, group, topic.name, topic.partitions) == 0

        await wait_until_async(is_there, 240, f"{agent} follows {topic.name}")


@pytest.fixture
def system(kafka, fresh_database_url, tmp_path):
    migrate(fresh_database_url)
    found = System(kafka, fresh_database_url, tmp_path)
    yield found
    for worker in found.workers:
        worker.end()


def contents():
    for number in range(TITLES):
        content = Content(
            content_id=f"title-{number:05d}", type="movie", title=f"Film {number}", updated_at_ms=1
        )
        yield content.content_id.encode(), encode(content)


def events_of(user_id, word, titles, at_ms=T):
    """A viewer who watches titles to the end; ``word`` is in every id."""
    for number, title in enumerate(titles):
        for step, state in enumerate(("playing", "playing", "ended")):
            event = ProgressEvent(
                event_id=f"{word}-e{number}-{step}", user_id=user_id,
                content_id=f"title-{title:05d}", session_id=f"{word}-s{number}",
                device_id=f"{word}-tv", state=state, position_s=step * 1800, duration_s=3600,
                occurred_at_ms=at_ms + (number * 3 + step) * 60_000,
            )  # fmt: skip
            yield user_id.encode(), encode(event)


def a_seek():
    """A title with a watch state that the ledger does not hold: nothing of it was played."""
    event = ProgressEvent(
        event_id=f"{CANARY}-seek", user_id=CANARY, content_id="title-00030",
        session_id=f"{CANARY}-s30", device_id=f"{CANARY}-tv", state="seeking", position_s=60,
        duration_s=3600, occurred_at_ms=T,
    )  # fmt: skip
    return CANARY.encode(), encode(event)


def events_of_others(amount, seed):
    population = Population(viewers=40, watching=20, titles=TITLES, seed=seed)
    for event in islice(progress_events(population), amount):
        yield event.user_id.encode(), encode(event)


async def test_an_erased_user_leaves_nothing_and_does_not_come_back(system):
    await apply_topics(
        Cluster(system.bootstrap),
        replication_factor=1,
        changelogs=[*changelogs(), *changelogs("again-")],
    )
    await write_topic(system.bootstrap, CONTENTS, contents())
    workers = [system.start(agents) for agents in AGENTS]
    for worker in workers:
        worker.wait_ready(180)  # what was there before the value model started is not scored
    own = [*events_of(CANARY, CANARY, range(6)), a_seek()]
    await write_topic(system.bootstrap, PROGRESS, [*events_of_others(600, 3), *own])
    await wait_until_async(lambda: everywhere(system), 180, "the user is in every store")

    erased, receipt = await erase_while_others_watch(system)
    assert erased.returncode == 0, erased.stderr
    check_receipt(receipt)
    await check_search(system)
    for table in ("watch_states", "viewers", "slates", "erasures"):
        assert system.rows(table) == 0, table
    await check_signature(system, erased.stdout)

    # The same events once more, as a player or a dead letter brings them; a replay from offset 0.
    await write_topic(system.bootstrap, PROGRESS, own)
    assert workers[1].terminate() == 0  # it goes on learning, and slates are built twice
    same = await system.command("replay", "--verify", "--json", "--wait", "240")
    assert same.returncode in (0, 1), same.stdout[-2000:] + same.stderr[-2000:]
    compared = {each["topic"]: each["different"] for each in json.loads(same.stdout)["topics"]}
    assert any(name.startswith(START_SCORES.name) for name in compared)
    differing = {name for name, number in compared.items() if number}
    assert differing == {CONTENTS.name}  # no webhook made them: this test wrote them as they are
    system.start(AGENTS[1])
    again = system.start(STREAMS, MEDIA_GATEWAY_NAMESPACE="again-")
    again.wait_ready()
    for agent, topic in (("watch-states", PROGRESS), ("slates", INTERACTIONS)):
        await system.followed(agent, topic, "again-")
    assert again.terminate() == 0
    async with open_admin(Cluster(system.bootstrap)) as admin:  # nobody writes to them any more
        await admin.delete_topics([name for name, _ in changelogs("again-")])
    for agent, topic in (("serving-watch-states", WATCH_STATES), ("slates", INTERACTIONS)):
        await system.followed(agent, topic)
    await check_search(system)

    second = await system.command("erase", "--user", CANARY, "--wait", "240")
    assert second.returncode == 0, second.stderr
    stores = json.loads(second.stdout)["receipt"]["stores"]
    assert {each["removed"] for each in stores if "removed" in each} == {0}
    assert "erased before" in second.stderr
    stranger = await system.command("erase", "--user", "nobody-knows", "--wait", "240")
    assert stranger.returncode == 0, stranger.stderr
    stores = json.loads(stranger.stdout)["receipt"]["stores"]
    assert {each["removed"] for each in stores if "removed" in each} == {0}

    await check_receipt_after_http(system)

    await hurry(system)
    await wait_until_clean(system)
    assert await system.search() == []


async def everywhere(system):
    """Whether the user's data is in the tables and in the topic that comes last."""
    if system.rows("slates") != 1 or system.rows("watch_states") != 7:
        return False
    scores = latest(await read_topic(system.bootstrap, START_SCORES.name, START_SCORES.partitions))
    return any(key.startswith(CANARY) for key in scores)


async def erase_while_others_watch(system):
    file = system.folder / "receipt.json"
    ended = asyncio.Event()

    async def others():
        for seed in count(100):
            if ended.is_set():
                return
            await write_topic(system.bootstrap, PROGRESS, events_of_others(50, seed))
            await asyncio.sleep(0.2)  # others are a trickle, not a load

    watching = asyncio.create_task(others())
    answer = await system.command(
        "erase", "--user", CANARY, "--wait", "240", "--receipt", str(file)
    )
    ended.set()
    await watching
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout == file.read_text()
    return answer, json.loads(answer.stdout)


def check_receipt(document):
    receipt = document["receipt"]
    assert CANARY not in json.dumps(document)
    assert receipt["keyed"] is True
    stores = {each["store"]: each for each in receipt["stores"]}
    assert stores["watch_states"]["removed"] == 7
    assert stores["slates"]["removed"] == stores["viewers"]["removed"] == 1
    assert stores[WATCH_STATES.name]["removed"] == 7
    for name, _ in changelogs():
        if "catalogue" not in name:
            assert stores[name]["removed"] == 1, name
    assert {each.get("left", 0) for each in receipt["stores"]} == {0}
    for name in (PROGRESS.name, PROGRESS.dead_letter_name, INTERACTIONS.name):
        assert stores[name]["gone_by"] > receipt["issued_at"]
    assert {each["kind"] for each in receipt["stores"]} == {
        "table", "topic", "changelog", "tokens", "cache", "model",
    }  # fmt: skip


async def check_search(system):
    """Nothing but what retention and compaction explain; no table; no live state."""
    found = await system.search()
    assert [each for each in found if each["kind"] == "table"] == []
    assert {each["reason"] for each in found} <= {
        "kept by retention", "replaced, until compaction",
        "tombstones: readers that are away must see them",
    }  # fmt: skip
    assert all(each["expected"] and each["until"] for each in found)


async def check_receipt_after_http(system):
    """What a request started, and agents finished, is in the receipt that the command gives."""
    user = "asked-over-http"
    await write_topic(system.bootstrap, PROGRESS, events_of(user, user, range(2)))

    async def has(states, slates):
        return (system.rows("watch_states", user), system.rows("slates", user)) == (states, slates)

    await wait_until_async(lambda: has(2, 1), 120, "the user is in the tables")
    pseudonym = Pseudonyms(ERASURE_KEY).of(user)
    async with create_pool(Settings(database_url=system.database_url)) as pool:
        store = ErasureStore(pool)
        noted = await store.record(Actor("cli", "cli:test"), pseudonym, now_ms())
        await store.delete_rows(user, pseudonym, noted.erased_at_ms)
    mark = mark_of(user, pseudonym, noted.erased_at_ms)
    await write_marks(Cluster(system.bootstrap), [mark])
    await wait_until_async(lambda: has(0, 0), 120, "agents finished the erasure")

    answer = await system.command("erase", "--user", user, "--wait", "240")
    assert answer.returncode == 0, answer.stderr
    receipt = json.loads(answer.stdout)["receipt"]
    assert receipt["earlier_erased_at"] == receipt["counted_since"] < receipt["erased_at"]
    stores = {each["store"]: each for each in receipt["stores"]}
    removed = {name: stores[name]["removed"] for name in ("watch_states", "viewers", "slates")}
    assert removed == {"watch_states": 2, "viewers": 1, "slates": 1}
    assert stores[WATCH_STATES.name]["removed"] == 2
    assert stores[SLATES.name]["removed"] == 1


async def check_signature(system, text):
    good, bad = system.folder / "good.json", system.folder / "bad.json"
    good.write_text(text)
    bad.write_text(text.replace('"removed": 7', '"removed": 8'))
    valid = await system.command("erase", "verify-receipt", str(good))
    assert valid.returncode == 0, valid.stderr
    changed = await system.command("erase", "verify-receipt", str(bad))
    assert (changed.returncode, "not what was signed" in changed.stderr) == (1, True)


async def hurry(system):
    """Let the retention of events end now, and compaction begin."""
    short = {
        "delete": {"segment.ms": "1000", "retention.ms": "1000"},
        "compact": {
            "segment.ms": "1000", "max.compaction.lag.ms": "1000", "delete.retention.ms": "1000",
        },
    }  # fmt: skip
    kept = ("cleanup.policy", "max.message.bytes", "min.insync.replicas", "retention.ms")
    topics = await describe_topics(
        Cluster(system.bootstrap), await list_topics(Cluster(system.bootstrap))
    )
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC, topic.name,
            {name: topic.config[name] for name in kept} | short[topic.config["cleanup.policy"]],
        )
        for topic in topics
    ]  # fmt: skip
    async with open_admin(Cluster(system.bootstrap)) as admin:
        (answer,) = await admin.alter_configs(resources)
    assert {code for code, *_ in answer.resources} == {0}


async def wait_until_clean(system):
    """Others go on watching in the user's partition, which is what closes its segments."""
    partition = partition_of(CANARY.encode(), PROGRESS.partitions)
    names = (f"neighbour-{number}" for number in count())
    near = (name for name in names if partition_of(name.encode(), 8) == partition)
    bad = [(CANARY.replace("canary", "nobody").encode(), b"not json")]

    async def is_clean():
        await write_topic(
            system.bootstrap, PROGRESS,
            [*events_of(name := next(near), name, range(3)), *bad],
        )  # fmt: skip
        await asyncio.sleep(1)  # segment.ms is 1000: a younger segment is not closed
        return not system.files_with_canary()

    try:
        await wait_until_async(is_clean, 180, "no file of the broker holds the user")
    except AssertionError:
        raise AssertionError(f"still in {system.files_with_canary()}") from None
