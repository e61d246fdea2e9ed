"""The server of ``bench webhooks``: the real application, and an endpoint that checks nothing.

Both are in one process, share its event loop and its connection limits, and produce to the same
topic with the same client settings. The unchecked one reads the body and waits for Kafka: what any
gateway must do. What the real one does besides is what is measured.
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
from api.opening import open_services
from api.responses import json_response
from api.server import configure_logging, return_after_signal, server_config
from api.services import Services
from cli.options import load_settings, without_limits
from infra.garbage import collect_garbage_rarely
from infra.kafka.cluster import cluster_of, new_producer
from infra.kafka.producer import BATCH_BYTES_MAX, REQUEST_BYTES_MAX
from infra.settings import Settings
from topics.catalog import WEBHOOKS

UNCHECKED = "/bench/unchecked"
ANSWER = b'{"event_id":"wh-0000000000000000000000000000000000000000"}'


class Unchecked:
    """Reads a body and produces it as it is."""

    def __init__(self) -> None:
        self.producer: AIOKafkaProducer | None = None

    async def answer(self, request: Request) -> Response:
        """Answer 202 when Kafka has the body."""
        assert self.producer is not None
        body = await request.body()
        await self.producer.send_and_wait(WEBHOOKS.name, body, key=b"bench", partition=0)
        return json_response(ANSWER, status=202)

    def opener(self, settings: Settings):  # type: ignore[no-untyped-def]  # a context manager
        """Return ``open_services`` with this endpoint's producer beside."""

        @asynccontextmanager
        async def opened(_: Settings) -> AsyncIterator[Services]:
            self.producer = new_producer(
                cluster_of(settings),
                acks="all",
                enable_idempotence=True,
                linger_ms=settings.produce_linger_ms,
                max_request_size=REQUEST_BYTES_MAX,
                max_batch_size=BATCH_BYTES_MAX,
            )
            async with self.producer, open_services(settings) as services:
                yield services

        return opened


def create(settings: Settings) -> Starlette:
    """Return the application with the endpoint of the benchmark."""
    unchecked = Unchecked()
    app = create_app(settings, unchecked.opener(settings))
    app.router.routes.append(Route(UNCHECKED, unchecked.answer, methods=["POST"]))
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
