"""The server of ``bench webhooks``: the real application, and three endpoints that do less.

All are in one process, share its event loop and its connection limits, and produce to the same
topic with the same client settings. The unchecked one is an endpoint as all are, with a deadline
and a bound of its body, which produces what it read. The signed one verifies, parses and produces
by the code of the real one; it has no quotas and remembers no ids. The bare one has no deadline
and no bounds either: what the framework, the edge and Kafka cost alone.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import uvicorn
from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.app import create_app
from api.endpoint import Endpoint
from api.identity.access import ANYBODY
from api.limits.limit import UNLIMITED
from api.opening import open_services
from api.parsing import read_body
from api.partners.webhooks import Attempt, authenticated, read_delivery, read_event
from api.responses import json_response
from api.server import configure_logging, return_after_signal, server_config
from api.services import Services, services_of
from cli.options import load_settings, without_limits
from infra.garbage import collect_garbage_rarely
from infra.kafka.cluster import cluster_of, new_producer
from infra.kafka.delivery import Encoded
from infra.kafka.producer import REQUEST_BYTES_MAX, EventProducer
from infra.kafka.sizes import BATCH_BYTES_MAX
from infra.settings import Settings
from schemas.api import WebhookAccepted
from schemas.codec import encode
from schemas.webhook import WEBHOOK_BYTES_MAX
from topics.catalog import WEBHOOKS

UNCHECKED, BARE = "/bench/unchecked", "/bench/bare"
SIGNED = "/bench/signed/{partner}"
ANSWER = b'{"event_id":"wh-0000000000000000000000000000000000000000"}'


async def verify_parse_produce(request: Request) -> Response:
    """Answer 202 when Kafka has a delivery that was signed and is well-formed."""
    services = services_of(request)
    given, body = await read_delivery(request)
    partner = await authenticated(request, services, Attempt(), given, body)
    event = read_event(body, partner, given.webhook_id, services.clock_ms())
    await services.producer.send(WEBHOOKS, event)
    return json_response(encode(WebhookAccepted(event_id=event.event_id)), status=202)


async def produce_unchecked(request: Request) -> Response:
    """Read a body within the limits of webhooks, answer 202 when Kafka has it, unread."""
    body = await read_body(request, WEBHOOK_BYTES_MAX)
    producer = services_of(request).producer
    assert isinstance(producer, EventProducer)
    await producer.send_encoded(WEBHOOKS.name, [Encoded(0, b"bench", body)])
    return json_response(ANSWER, status=202)


class Bare:
    """What the framework and the Kafka client alone take."""

    def __init__(self) -> None:
        self.producer: AIOKafkaProducer | None = None

    async def answer(self, request: Request) -> Response:
        """Read whatever comes, answer 202 when Kafka has it."""
        assert self.producer is not None
        body = await request.body()
        await self.producer.send_and_wait(WEBHOOKS.name, body, key=b"bench", partition=0)
        return json_response(ANSWER, status=202)

    def opener(self, settings: Settings):  # type: ignore[no-untyped-def]  # a context manager
        """Return ``open_services`` with a Kafka client beside."""

        @asynccontextmanager
        async def opened(_: Settings) -> AsyncIterator[Services]:
            self.producer = new_producer(
                cluster_of(settings),
                acks="all",
                enable_idempotence=True,
                linger_ms=settings.api_linger_ms,
                max_request_size=REQUEST_BYTES_MAX,
                max_batch_size=BATCH_BYTES_MAX,
            )
            async with self.producer, open_services(settings) as services:
                yield services

        return opened


def create(settings: Settings) -> Starlette:
    """Return the application with the endpoints of the benchmark."""
    bare = Bare()
    app = create_app(settings, bare.opener(settings))
    endpoints = [
        Endpoint(
            method="POST", path=path, handler=handler, name=path, summary="For comparison",
            access=ANYBODY, limit=UNLIMITED, answers=(),
        )
        for path, handler in ((UNCHECKED, produce_unchecked), (SIGNED, verify_parse_produce))
    ]  # fmt: skip
    bare_route = Route(BARE, bare.answer, methods=["POST"])
    # First: found as fast as can be.
    app.router.routes[:0] = [bare_route, *(endpoint.route() for endpoint in endpoints)]
    collect_garbage_rarely()
    return app


def main(port: int, environ: dict[str, str]) -> None:
    """Serve until SIGTERM, as ``api.server`` does with one process."""
    settings = replace(without_limits(load_settings(environ, None)), port=port)
    configure_logging(settings)
    return_after_signal()
    uvicorn.Server(server_config(settings, partial(create, settings))).run()


if __name__ == "__main__":
    import os

    main(int(sys.argv[1]), dict(os.environ))
