"""``replay --verify`` against real workers on a Kafka of its own: same, different, refused."""

import json
import subprocess
import sys
from itertools import islice

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from agents.registry import changelogs
from cli.bench.events import Population, progress_events
from infra.embedded.kafka import EmbeddedKafka
from infra.kafka.admin import apply_topics, open_admin
from infra.kafka.cluster import Cluster
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.watch_state import WatchState
from schemas.webhook import WebhookReceived
from tests.support.kafka_io import latest, read_topic, write_topic
from tests.support.waiting import wait_until_async
from tests.support.worker_process import ROOT, WorkerProcess
from topics.catalog import CONTENTS, PROGRESS, RECORD_TEXTS, SLATES, WATCH_STATES, WEBHOOKS

EVENTS = 4000
TITLES = 40
VIEWERS = 30
OVERVIEW = "In the year {} a sailor meets the ghost of her captain, who wants to go home."
TRANSLATED = range(1, TITLES, 4)  # titles that a third partner has under another name
AGENTS = "catalogue,record-vectors,watch-states,trending,co-watch,slates"


@pytest.fixture
def bootstrap(tmp_path):
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        yield kafka.bootstrap_servers


def replay(bootstrap, tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "replay", "--json", "--data-dir", str(tmp_path),
         *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
        env={
            "PATH": "/usr/bin:/bin", "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "MEDIA_GATEWAY_COWATCH_RENEW_S": "1",
        },
    )  # fmt: skip


def webhooks():
    """Partners with the same titles, in batches that a replay does not have."""
    for partner, name, numbers in (
        ("acme", "Film", range(TITLES)), ("other", "Film", range(0, TITLES, 2)),
        ("third", "Un cuento numero", TRANSLATED),
    ):  # fmt: skip
        for number in numbers:
            own = f"title-{number:05d}"
            payload = {
                "id": own, "type": "movie", "title": f"{name} {number}", "release_year": 1999,
                "cast": [f"Actor {number}"],
                "overview": OVERVIEW.format(number),
            }  # fmt: skip
            webhook = WebhookReceived(
                event_id=f"{partner}-{number}", partner=partner, mapper="generic", webhook_id=own,
                event_type="content_added", platform=partner, occurred_at_ms=1, received_at_ms=1,
                payload=payload,
            )  # fmt: skip
            yield WEBHOOKS.key_of(webhook), encode(webhook)


def events(count, seed=7):
    population = Population(viewers=VIEWERS, watching=VIEWERS // 2, titles=TITLES, seed=seed)
    for event in islice(progress_events(population), count):
        named = event.model_copy(update={"content_id": f"acme:{event.content_id}"})
        yield event.user_id.encode(), encode(named)


async def test_replay_same_then_different_then_refused(bootstrap, tmp_path):
    await apply_topics(Cluster(bootstrap), replication_factor=1, changelogs=changelogs())
    await write_topic(bootstrap, WEBHOOKS, webhooks())
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",  # stream agents never connect
        "MEDIA_GATEWAY_COWATCH_RENEW_S": "1",
    }
    first = WorkerProcess(
        "cli.main", ["worker", "--agents", AGENTS], settings,
        tmp_path / "workers",
    )  # fmt: skip
    first.wait_ready()
    stream = list(events(EVENTS))
    await write_topic(bootstrap, PROGRESS, stream[: EVENTS // 2])
    first.kill()  # a redelivery and a recovery must not show
    second = WorkerProcess(
        "cli.main", ["worker", "--agents", AGENTS], settings,
        tmp_path / "workers",
    )  # fmt: skip
    try:
        # Late, repeated and broken records are part of what a replay must reproduce.
        repeated = [*stream[EVENTS // 2 :], *stream[:100], (b"viewer-0000001", b"not json")]
        await write_topic(bootstrap, PROGRESS, repeated)
        second.wait_ready()

        async def joined():
            rows = latest(await read_topic(bootstrap, CONTENTS.name, 1))
            contents = [decode(Content, row) for row in rows.values()]
            reasons = [record.method for content in contents for record in content.records]
            return reasons.count("text") == len(TRANSLATED)

        await wait_until_async(joined, 60, "titles joined by their texts")
        same = replay(bootstrap, tmp_path, "--verify")
        assert same.returncode == 0, summary(same)
        report = json.loads(same.stdout)
        compared = {each["topic"]: each for each in report["topics"]}
        assert compared[WATCH_STATES.name]["equal"] == compared[WATCH_STATES.name]["keys"] > 50
        assert compared[CONTENTS.name]["equal"] == TITLES + TITLES // 2 + len(TRANSLATED)
        assert compared[RECORD_TEXTS.name]["equal"] == 2 * len(TRANSLATED)
        assert all(each["different"] == 0 for each in compared.values())
        assert all(each["keys"] > 0 for each in compared.values()), compared
        ledger = report["derived"]["watch-states"]
        assert ledger["applied"] + ledger["deduplicated"] == EVENTS + 100
        assert ledger["dead_lettered"] == 1

        dry = replay(bootstrap, tmp_path)
        assert dry.returncode == 0
        assert json.loads(dry.stdout)["topics"] == []
    finally:
        second.terminate()

    await spoil_one_watch_state(bootstrap)
    await remove_one_slate(bootstrap)
    different = replay(bootstrap, tmp_path, "--verify", "--wait", "5")
    assert different.returncode == 1, summary(different)
    compared = {each["topic"]: each for each in json.loads(different.stdout)["topics"]}
    assert compared[WATCH_STATES.name]["different"] == 1
    assert compared[f"{SLATES.name} (viewer part)"]["different"] == 1

    async with open_admin(Cluster(bootstrap)) as admin:
        await admin.delete_records(
            {TopicPartition(PROGRESS.name, 0): RecordsToDelete(before_offset=1)}
        )
    refused = replay(bootstrap, tmp_path, "--verify", "--wait", "5")
    assert refused.returncode == 2
    assert "no longer starts at offset 0" in refused.stderr


async def spoil_one_watch_state(bootstrap):
    rows = latest(await read_topic(bootstrap, WATCH_STATES.name, WATCH_STATES.partitions))
    key = min(rows)
    state = decode(WatchState, rows[key])
    wrong = encode(state.model_copy(update={"watched_s": state.watched_s + 1}))
    await write_topic(bootstrap, WATCH_STATES, [(key.encode(), wrong)])


async def remove_one_slate(bootstrap):
    rows = latest(await read_topic(bootstrap, SLATES.name, SLATES.partitions))
    await write_topic(bootstrap, SLATES, [(min(rows).encode(), None)])


def summary(answer):
    """What a failed replay found, short enough to read."""
    if not answer.stdout.startswith("{"):
        return answer.stdout[-3000:] + answer.stderr[-3000:]
    report = json.loads(answer.stdout)
    lines = [
        f"{each['topic']}: {each['equal']} equal, {each['different']} different, "
        f"{each['examples'][:1]}"
        for each in report["topics"]
    ]
    return "\n".join([str(report["derived"]), *lines])
