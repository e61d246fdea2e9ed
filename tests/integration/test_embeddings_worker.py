"""The embeddings agent as a real worker on real Kafka: a new title passes a backlog, kill -9."""

import psutil
import pytest

from agents.encoding import JOB_TEXTS, NICENESS
from agents.runtime.worker import FIT_NICENESS
from infra.embedded.kafka import EmbeddedKafka
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.embedding import Embedding
from schemas.neighbours import Neighbours
from tests.support.kafka_io import latest, read_topic, write_topic
from tests.support.waiting import wait_until_async
from tests.support.worker_process import workers_on
from topics.catalog import CONTENTS, EMBEDDING_NEIGHBOURS, EMBEDDINGS

NICENESS_MAX = 19  # Linux
BACKLOG = 1500  # some seconds of encoding: far more than it takes to post one more title


@pytest.fixture
def bootstrap(tmp_path):
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        yield kafka.bootstrap_servers


def contents(*names):
    for name in names:
        content = Content(content_id=name, type="movie", title=f"Film {name}", updated_at_ms=1)
        yield name.encode(), encode(content)


@pytest.fixture
def start_worker(bootstrap, tmp_path):
    with workers_on(bootstrap, tmp_path / "workers") as start:
        yield start


async def test_a_new_title_passes_the_backlog_and_a_kill_encodes_nothing_twice(
    bootstrap, start_worker
):
    async def published():
        return await read_topic(bootstrap, EMBEDDINGS.name, 1)

    async def wait_published(count):
        async def enough():
            return len(latest(await published())) >= count

        await wait_until_async(enough, 180, f"{count} titles encoded")

    await apply_topics(Cluster(bootstrap), replication_factor=1, changelogs=[])
    backlog = [f"old-{number}" for number in range(BACKLOG)]
    await write_topic(bootstrap, CONTENTS, contents(*backlog))
    first = start_worker("embeddings")
    await wait_published(1)
    await write_topic(bootstrap, CONTENTS, contents("new"))

    async def new_is_there():
        return "new" in latest(await published())

    await wait_until_async(new_is_there, 60, "the new title encoded")
    children = first.children()
    expected = psutil.Process().nice() + FIT_NICENESS + NICENESS  # of the worker, of its child
    assert max(child.nice() for child in children) == min(NICENESS_MAX, expected)
    first.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    records = await published()
    assert len(records) < BACKLOG, "the new title came after the backlog"
    assert [record.key.decode() for record in records[:JOB_TEXTS]] == backlog[: -JOB_TEXTS - 1 : -1]

    await write_topic(bootstrap, CONTENTS, [(b"old-0", None)])
    start_worker("embeddings")
    await wait_published(BACKLOG)  # one removed, one new
    records = await published()
    again = len(records) - BACKLOG
    assert 0 <= again <= JOB_TEXTS  # each once, but for a job that the kill tore from its rows
    rows = {key: decode(Embedding, value) for key, value in latest(records).items()}
    assert set(rows) == {*backlog[1:], "new"}
    assert len({row.vector for row in rows.values()}) == BACKLOG

    async def neighbours():
        return await read_topic(bootstrap, EMBEDDING_NEIGHBOURS.name, 1)

    async def rows_are_complete():
        return len(latest(await neighbours())) == BACKLOG

    await wait_until_async(rows_are_complete, 60, "a row of neighbours for each title")
    records = await neighbours()
    assert len(records) <= BACKLOG + JOB_TEXTS
    nearest = [decode(Neighbours, value) for value in latest(records).values()]
    numbers = {row.content_id: row.model_version for row in nearest}
    assert len(set(numbers.values())) == BACKLOG
    named = [(each.content_id, row.model_version) for row in nearest for each in row.neighbours]
    assert len(named) > BACKLOG
    assert all(numbers[content_id] < number for content_id, number in named)
