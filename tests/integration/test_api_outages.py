"""The API through the absence of its broker and of its database, with real servers.

Method: this file has a broker of its own on a fixed port, because it is started late, frozen and
restarted.
"""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager, contextmanager

import httpx2
import psutil
import pytest

from api.app import create_app
from infra.embedded.errors import EmbeddedError
from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.process import free_port
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from infra.kafka.producer import RECORDS_MAX, EventProducer, KafkaUnavailable
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.security import keys
from infra.settings import Settings
from schemas.progress import ProgressEvent
from tests.component.api.fakes import PLENTY
from tests.component.api.test_progress import a_report
from tests.support.operators import CLI
from tests.support.services import unavailable
from tests.support.waiting import wait_until_async
from topics.catalog import PROGRESS

ANSWER_S_MAX = 8.0


@pytest.fixture
def broker(services_dir):
    """A factory of one broker on one port and one data directory; stops what it started."""
    port, started = free_port(), []

    def start():
        kafka = EmbeddedKafka(services_dir / f"outage-{port}", port=port, heap_mb=384)
        try:
            kafka.start(timeout_s=120)
        except EmbeddedError as problem:
            unavailable("Kafka", problem, "KAFKA_BOOTSTRAP_SERVERS")
        started.append(kafka)
        return kafka

    start.bootstrap = f"127.0.0.1:{port}"
    yield start
    for kafka in started:
        os.kill(kafka.pid, signal.SIGCONT) if kafka.child and kafka.child.running() else None
        kafka.stop()


def an_event(number):
    return ProgressEvent(
        event_id=f"event-{number}", user_id=f"user-{number % 50}", content_id="film-1",
        session_id="s", device_id="d", state="playing", occurred_at_ms=number,
    )  # fmt: skip


@asynccontextmanager
async def started(producer):
    await producer.start(wait_s=0.5)
    try:
        yield producer
    finally:
        await producer.stop()


async def create_topics(bootstrap):
    await apply_topics(Cluster(bootstrap), replication_factor=1)


async def test_a_producer_lives_through_a_late_a_frozen_and_a_restarted_broker(broker):
    async with started(
        EventProducer(Cluster(broker.bootstrap), timeout_ms=3000, linger_ms=1)
    ) as producer:
        await refuses_quickly(producer)
        kafka = await asyncio.to_thread(broker)
        await create_topics(broker.bootstrap)
        await wait_until_async(producer.is_ready, 30, "connected after a late start")
        # The leaders of new partitions may take longer than one call waits, on a busy machine.
        await wait_until_async(lambda: accepted(producer, 0), 60, "accepts after a late start")

        os.kill(kafka.pid, signal.SIGSTOP)
        await refuses_quickly(producer)
        assert not await producer.is_ready()
        await memory_stays_bounded(producer)
        os.kill(kafka.pid, signal.SIGCONT)
        await wait_until_async(lambda: accepted(producer, 1000), 60, "accepts after the freeze")

        await asyncio.to_thread(kafka.stop)
        await refuses_quickly(producer)
        await asyncio.to_thread(broker)
        await wait_until_async(lambda: accepted(producer, 2000), 90, "accepts after a restart")


async def refuses_quickly(producer):
    began = time.monotonic()
    with pytest.raises(KafkaUnavailable):
        await producer.send(PROGRESS, an_event(999_999))
    assert time.monotonic() - began < ANSWER_S_MAX


async def accepts(producer, first):
    events = [an_event(first + number) for number in range(500)]
    produced = await producer.send_many(PROGRESS, events)
    one = await producer.send(PROGRESS, an_event(first + 500))
    assert one.offset >= 0
    assert len({(item.partition, item.offset) for item in produced}) == 500
    return True


async def accepted(producer, first):
    try:
        return await accepts(producer, first)
    except KafkaUnavailable:
        return False


async def memory_stays_bounded(producer):
    """Many callers while the broker is frozen: beyond the bound each is refused at once."""
    calls = [
        producer.send_many(PROGRESS, [an_event(number) for number in range(500)])
        for _ in range(3 * RECORDS_MAX // 500)
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(item, KafkaUnavailable) for item in results)
    assert producer.records_in_flight <= RECORDS_MAX


async def test_every_record_is_where_the_producer_says_and_keeps_its_order(kafka_bootstrap, unique):
    spec = PROGRESS
    await apply_topics(Cluster(kafka_bootstrap), replication_factor=1)
    user_ids = [unique(f"u{number}") for number in range(7)]
    events = [
        an_event(number).model_copy(update={"user_id": user_ids[number % 7]})
        for number in range(700)
    ]
    producer = EventProducer(Cluster(kafka_bootstrap), timeout_ms=20_000, linger_ms=5)
    async with started(producer):
        await wait_until_async(producer.is_ready, 30, "connected")
        places = await producer.send_many(spec, events[:400])
        places += [await producer.send(spec, event) for event in events[400:410]]
        places += await producer.send_many(spec, events[410:])
    by_user = {}
    for event, place in zip(events, places, strict=True):
        by_user.setdefault(event.user_id, []).append(place)
    for found in by_user.values():
        assert len({place.partition for place in found}) == 1
        assert found == sorted(found)


@asynccontextmanager
async def running_api(settings):
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


async def test_the_api_answers_503_while_its_servers_are_away_and_recovers(
    broker, fresh_database_url
):
    migrate(fresh_database_url)
    settings = Settings(
        kafka_bootstrap_servers=broker.bootstrap, database_url=fresh_database_url,
        produce_timeout_ms=3000, **PLENTY,
    )  # fmt: skip
    new = keys.create_key()
    async with create_pool(settings) as pool:
        await ApiKeyStore(pool).create(
            CLI, ApiKey(new.key_id, new.sha256, "t", keys.USER_SCOPES, None, 0)
        )
    headers = {"Authorization": f"Bearer {new.text}"}
    async with running_api(settings) as client:
        began = time.monotonic()
        response = await client.post("/api/v1/progress", json=a_report(), headers=headers)
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1
        assert time.monotonic() - began < ANSWER_S_MAX
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json()["kafka"] is False
        await asyncio.to_thread(broker)
        await create_topics(broker.bootstrap)

        async def taken():
            answer = await client.post("/api/v1/progress", json=a_report(), headers=headers)
            return answer.status_code == 202

        await wait_until_async(taken, 60, "202 after Kafka came")
        assert (await client.get("/readyz")).status_code == 200


@pytest.fixture
def postgres(services_dir):
    """A Postgres for this test alone, which it may freeze."""
    server = EmbeddedPostgres(services_dir / "frozen-postgres")
    try:
        server.start(timeout_s=120)
    except EmbeddedError as problem:
        unavailable("Postgres", problem, "DATABASE_URL")
    yield server
    server.stop()


@contextmanager
def frozen(server):
    """Stop every process of the server; let them run again at the end."""
    parent = psutil.Process(server.pid)
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def test_reads_of_a_frozen_database_are_503_in_time_and_recover(postgres):
    migrate(postgres.database_url)
    settings = Settings(
        kafka_bootstrap_servers=f"127.0.0.1:{free_port()}", database_url=postgres.database_url,
        **PLENTY,
    )  # fmt: skip
    new = keys.create_key()
    async with create_pool(settings) as pool:
        await ApiKeyStore(pool).create(
            CLI, ApiKey(new.key_id, new.sha256, "t", keys.USER_SCOPES, None, 0)
        )
    headers = {"Authorization": f"Bearer {new.text}"}
    paths = [f"/api/v1/users/u/{name}" for name in ("recommendations", "history")]
    async with running_api(settings) as client:
        assert (await client.get(paths[0], headers=headers)).status_code == 200
        with frozen(postgres):
            began = time.monotonic()
            answers = await asyncio.gather(
                *(client.get(path, headers=headers) for path in paths * 10)
            )
            assert {answer.status_code for answer in answers} == {503}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
            assert time.monotonic() - began < ANSWER_S_MAX
            assert (await client.get("/readyz")).json()["postgres"] is False

        async def answered():
            return (await client.get(paths[0], headers=headers)).status_code == 200

        await wait_until_async(answered, 60, "200 after the freeze")


async def test_without_a_database_the_api_starts_and_reads_answer_503():
    nowhere = f"postgresql://x:secret@127.0.0.1:{free_port()}/x"
    settings = Settings(kafka_bootstrap_servers=f"127.0.0.1:{free_port()}", database_url=nowhere)
    async with running_api(settings) as client:
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {keys.create_key().text}"}
        response = await client.get("/api/v1/users/user-1/recommendations", headers=headers)
        assert response.status_code == 503
        assert "secret" not in response.text
        assert time.monotonic() - began < ANSWER_S_MAX
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json()["postgres"] is False
