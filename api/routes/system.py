"""What operators and machines read: health, metrics, the document of the API."""

from api import examples
from api.endpoint import Answer, Endpoint
from api.identity.access import ANYBODY
from api.limits.limit import UNLIMITED
from api.system import get_healthz, get_metrics, get_openapi, get_readyz
from schemas.api import Alive, Readiness

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/healthz",
        handler=get_healthz,
        name="get_healthz",
        limit=UNLIMITED,
        summary="Whether the process is alive",
        access=ANYBODY,
        answers=(Answer(description="alive", model=Alive, example={"status": "alive"}),),
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        handler=get_readyz,
        name="get_readyz",
        limit=UNLIMITED,
        summary="Whether Kafka and Postgres answer",
        access=ANYBODY,
        answers=(
            Answer(description="ready", model=Readiness, example=examples.READY),
            Answer(
                status=503,
                description="a part is away",
                model=Readiness,
                example=examples.NOT_READY,
            ),
        ),
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        name="get_metrics",
        limit=UNLIMITED,
        summary="Metrics for Prometheus",
        access=ANYBODY,
        answers=(
            Answer(description="text exposition format", model=None, media_type="text/plain"),
        ),
    ),
    Endpoint(
        method="GET",
        path="/openapi.json",
        handler=get_openapi,
        name="get_openapi",
        summary="This document",
        access=ANYBODY,
        answers=(Answer(description="OpenAPI 3.1", model=None),),
    ),
)
