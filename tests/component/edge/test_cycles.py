"""What a request leaves behind: nothing that only the collector of cycles could find."""

import asyncio
import gc
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.app import create_app
from api.server import server_config
from infra.embedded.process import free_port
from infra.security.webhooks import sign
from tests.component.api.fakes import FakeWorld, a_partner
from tests.support.waiting import wait_until_async

SECRET = b"s" * 32
REQUESTS = 50


@asynccontextmanager
async def served(world):
    """Serve the application by the real protocol, in this process."""
    settings = replace(world.settings, port=free_port())
    config = server_config(settings, lambda: create_app(settings, world.open_services))
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await wait_until_async(lambda: started(server), 30, "the server answers")
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}") as client:
            yield client
    finally:
        server.should_exit = True
        await serving


async def started(server):
    return server.started


@pytest.fixture
def world():
    made = FakeWorld()
    made.database.partners["acme"] = a_partner(SECRET)
    return made


def reading(world):
    headers = {"Authorization": f"Bearer {world.database.add_key()}"}
    return lambda client, number: client.get("/api/v1/trending", headers=headers)


def delivering(world):
    body = (
        b'{"event_type":"content_added","platform":"p","timestamp":"2026-01-01T00:00:00Z",'
        b'"payload":{}}'
    )
    at_s = world.now_ms // 1000

    def deliver(client, number):
        webhook_id = f"msg_{number}"
        headers = {
            "Content-Type": "application/json", "webhook-id": webhook_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(SECRET, webhook_id, at_s, body),
        }  # fmt: skip
        return client.post("/api/v1/webhooks/acme", content=body, headers=headers)

    return deliver


def missing(world):
    return lambda client, number: client.get("/api/v1/nothing")


@pytest.mark.parametrize(
    ("request_of", "status"), [(reading, 200), (delivering, 202), (missing, 404)]
)
async def test_no_request_waits_for_the_collector(world, request_of, status):
    send = request_of(world)
    async with served(world) as client:
        assert (await send(client, 0)).status_code == status
        gc.collect()
        gc.disable()
        try:
            for number in range(1, REQUESTS):
                assert (await send(client, number)).status_code == status
            alive = sum(type(each) is RequestResponseCycle for each in gc.get_objects())
        finally:
            gc.enable()
    assert alive <= 2  # of the connection
