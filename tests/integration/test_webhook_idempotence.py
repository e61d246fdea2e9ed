"""The same webhook again: from several processes, after a restart, days later, after a time-out.

Method: real API processes (or, where the clock is the test's, the real application in this process)
on one Postgres and one Kafka. What counts is the answer, and what is in the topic afterwards.
"""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import orjson
import pytest

from agents.catalogue import SPEC as CATALOGUE
from api.app import create_app
from api.opening import open_services
from infra.embedded.process import free_port
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from infra.postgres.migrate import migrate
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerStore
from infra.postgres.pool import create_pool
from infra.security.sealing import Sealer
from infra.security.webhook_keys import create_secret
from infra.security.webhooks import sign
from infra.settings import Settings
from tests.component.api.test_webhooks import envelope
from tests.integration.test_api_outages import broker
from tests.support.driving import Driver
from tests.support.kafka_io import read_topic
from tests.support.operators import CLI
from tests.support.waiting import wait_until_async
from tests.support.worker_process import WorkerProcess
from topics.catalog import WEBHOOKS

__all__ = ["broker"]  # a fixture

PARTNER_SECRET = create_secret()
FILM = {"id": "A-1", "title": "Metropolis", "type": "movie"}
BODY = orjson.dumps(envelope(payload=FILM))
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture
async def settings(kafka_bootstrap, fresh_database_url, unique):
    migrate(fresh_database_url)
    await apply_topics(Cluster(kafka_bootstrap), replication_factor=1)
    found = Settings(kafka_bootstrap_servers=kafka_bootstrap, database_url=fresh_database_url)
    await add_partner(found, unique("acme"))
    return found


async def add_partner(settings, name):
    async with create_pool(settings) as pool:
        store = PartnerStore(pool, Sealer(""), lambda: 0)
        new = NewPartner(name, "generic", deliveries_per_s=10_000)
        await store.create(CLI, new, [Key(SECRET, PARTNER_SECRET)])


def post(client, base, partner, webhook_id="msg_1", body=BODY, at_s=None):
    """Return the answer to one delivery, signed as of ``at_s`` or now."""
    at_s = int(time.time() if at_s is None else at_s)
    headers = {
        "content-type": "application/json", "webhook-id": webhook_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": sign(PARTNER_SECRET, webhook_id, at_s, body),
    }  # fmt: skip
    return client.post(f"{base}/api/v1/webhooks/{partner}", content=body, headers=headers)


async def produced(bootstrap, partner):
    """Return the values in the topic that are this partner's."""
    records = await read_topic(bootstrap, WEBHOOKS.name, WEBHOOKS.partitions)
    own = partner.encode() + b"|"  # other tests use the topic too, also without keys
    return [item.value for item in records if (item.key or b"").startswith(own)]


class ApiProcess:
    """``media-gateway api`` as a process of its own."""

    def __init__(self, settings, directory):
        self.base = f"http://127.0.0.1:{free_port()}"
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "DATABASE_URL": settings.database_url,
        }
        self.process = WorkerProcess(
            "cli.main", ["api", "--port", self.base.rpartition(":")[2]], environment, directory
        )

    async def ready(self, client):
        async def answers():
            try:
                return (await client.get(f"{self.base}/readyz")).status_code == 200
            except httpx2.HTTPError:
                return False

        await wait_until_async(answers, 60, "the API is ready")


@asynccontextmanager
async def processes(settings, directory, count):
    started = []
    async with httpx2.AsyncClient(timeout=30) as client:
        try:
            started += [ApiProcess(settings, directory) for _ in range(count)]
            for each in started:
                await each.ready(client)
            yield client, started
        finally:
            for each in started:
                each.process.end()


async def test_equal_deliveries_at_several_processes_are_one_event(settings, unique, tmp_path):
    partner = unique("acme")
    async with processes(settings, tmp_path, 2) as (client, servers):
        bases = [server.base for server in servers]
        answers = await asyncio.gather(
            *(post(client, bases[number % 2], partner) for number in range(40))
        )
        assert {answer.status_code for answer in answers} == {202}, [a.text for a in answers][:3]
        assert len({answer.json()["event_id"] for answer in answers}) == 1
        assert len(await produced(settings.kafka_bootstrap_servers, partner)) == 1
        other = orjson.dumps(envelope(payload=FILM, platform="other"))
        conflicts = [await post(client, base, partner, body=other) for base in bases]
        assert [answer.status_code for answer in conflicts] == [409, 409]
        mixed = await asyncio.gather(*(
            post(client, bases[number % 2], partner, "msg_2", body=(BODY, other)[number // 2 % 2])
            for number in range(40)
        ))  # fmt: skip
        assert sorted(answer.status_code for answer in mixed) == [202] * 20 + [409] * 20
        servers[0].process.kill()
        servers[1].process.terminate()
    async with processes(settings, tmp_path, 1) as (client, servers):
        again = await post(client, servers[0].base, partner)
        assert (again.status_code, again.json()) == (202, answers[0].json())
        assert (await post(client, servers[0].base, partner, body=other)).status_code == 409
    assert len(await produced(settings.kafka_bootstrap_servers, partner)) == 2  # msg_1, msg_2


class Clock:
    """Wall clock of an application in this process; the monotonic one goes along."""

    def __init__(self):
        self.now_ms = int(time.time()) * 1000

    def opener(self):
        @asynccontextmanager
        async def opened(settings):
            async with open_services(settings) as services:
                yield replace(
                    services, clock_ms=lambda: self.now_ms, monotonic_s=lambda: self.now_ms / 1000
                )

        return opened


@asynccontextmanager
async def application(settings, clock):
    app = create_app(settings, clock.opener())
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield lambda *rest, **more: post(client, "", *rest, at_s=clock.now_ms // 1000, **more)


async def test_an_id_is_known_for_seven_days_across_restarts(settings, unique):
    partner, clock = unique("acme"), Clock()
    began_ms = clock.now_ms
    other = orjson.dumps(envelope(payload=FILM, platform="other"))
    async with application(settings, clock) as send:
        first = await send(partner)
        assert first.status_code == 202, first.text
    for later_s in (HOUR_S, 3 * DAY_S, 7 * DAY_S - HOUR_S):
        clock.now_ms = began_ms + later_s * 1000
        async with application(settings, clock) as send:
            again = await send(partner)
            assert (again.status_code, again.json()) == (202, first.json())
            assert (await send(partner, body=other)).status_code == 409
    assert len(await produced(settings.kafka_bootstrap_servers, partner)) == 1
    clock.now_ms = began_ms + 7 * DAY_S * 1000 + 1000
    async with application(settings, clock) as send:
        assert (await send(partner, body=other)).status_code == 202
        assert (await send(partner)).status_code == 409
    assert len(await produced(settings.kafka_bootstrap_servers, partner)) == 2


async def test_a_produce_that_timed_out_and_is_repeated_has_one_effect(
    broker, fresh_database_url, unique
):
    kafka = await asyncio.to_thread(broker)
    migrate(fresh_database_url)
    await apply_topics(Cluster(broker.bootstrap), replication_factor=1)
    partner, clock = unique("acme"), Clock()
    bodies = {"msg_1": BODY, "warm-up": orjson.dumps(envelope(payload={**FILM, "id": "A-2"}))}
    settings = Settings(
        kafka_bootstrap_servers=broker.bootstrap, database_url=fresh_database_url,
        produce_timeout_ms=1500,
    )  # fmt: skip
    await add_partner(settings, partner)
    async with application(settings, clock) as send:

        async def taken(webhook_id):
            answer = await send(partner, webhook_id, body=bodies[webhook_id])
            assert answer.status_code in (202, 503)
            return answer.status_code == 202

        await wait_until_async(lambda: taken("warm-up"), 60, "the broker has its leaders")
        os.kill(kafka.pid, signal.SIGSTOP)
        try:
            answers = await asyncio.gather(*(send(partner) for _ in range(3)))
        finally:
            os.kill(kafka.pid, signal.SIGCONT)
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        await wait_until_async(lambda: taken("msg_1"), 60, "the repetition is taken")
        assert (await send(partner)).status_code == 202
    values = await produced(broker.bootstrap, partner)
    ids = {orjson.loads(value)["event_id"] for value in values}
    assert len(ids) == 2  # the warm-up, and one for all tries of the other
    driver = Driver(CATALOGUE)  # what the consumer makes of it, however often it is there
    outcome = driver.feed(values)
    assert outcome.rejects == []
    assert outcome.applied == 2
    assert outcome.deduplicated == len(values) - 2
