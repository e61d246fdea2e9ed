"""Endpoints for machines that run the API: alive, ready, metrics, OpenAPI document."""

import asyncio
from functools import cache

import orjson
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

from api.openapi import document
from api.responses import json_response
from api.services import services_of
from schemas.api import Alive, Readiness
from schemas.codec import encode


async def get_healthz(request: Request) -> Response:
    """Answer while the process runs; asks nobody, so that an outage elsewhere kills nothing."""
    return json_response(encode(Alive()))


async def get_readyz(request: Request) -> Response:
    """Answer 200 when Kafka and Postgres answer now, else 503; the body names the parts."""
    services = services_of(request)
    kafka, postgres = await asyncio.gather(
        services.producer.is_ready(), services.database.is_ready()
    )
    readiness = Readiness(
        status="ready" if kafka and postgres else "not_ready",
        kafka=kafka,
        postgres=postgres,
        records_in_flight=services.producer.records_in_flight,
    )
    return json_response(encode(readiness), 200 if kafka and postgres else 503)


async def get_metrics(request: Request) -> Response:
    """Answer with the metrics of all API processes of this server."""
    text = await asyncio.to_thread(generate_latest, registry())
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def registry() -> CollectorRegistry:
    """Return what is collected: this process, or all that share its metrics directory.

    ``api.server`` sets the directory (``PROMETHEUS_MULTIPROC_DIR``) when it starts several
    processes; prometheus_client then keeps every value in files there.
    """
    if not multiprocess():
        return REGISTRY
    collected = CollectorRegistry()
    MultiProcessCollector(collected)  # type: ignore[no-untyped-call]
    return collected


def multiprocess() -> bool:
    """Whether prometheus_client chose files for its values, which it does when it is imported."""
    return bool(values.ValueClass.__name__ == "MmapedValue")


async def get_openapi(request: Request) -> Response:
    """Answer with the OpenAPI document."""
    return json_response(openapi_bytes())


@cache
def openapi_bytes() -> bytes:
    """Return the document; it does not change while the process runs."""
    return orjson.dumps(document())
