"""Around every request: an id, metrics by route, and a problem document for every error."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.edge.bounds import BODY_PENDING
from api.edge.security_headers import security_headers
from api.limits.counting import limit_headers
from api.problems import ProblemError, respond
from infra import metrics
from infra.kafka.producer import KafkaUnavailable
from infra.postgres.audit import SessionEnded
from infra.security.passwords import HashingBusy
from infra.settings import Settings

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
HASHING_RETRY_S = 5
ROUTE = "media_gateway.route"
REQUEST_ID = "media_gateway.request_id"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Of these the first and the last reader must not see different ones: who is it, what is it.
GIVEN_ONCE = frozenset({b"authorization", b"content-type", b"content-length", b"content-encoding"})


class Gateway:
    """ASGI middleware; what escapes the handlers below is answered here."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._security = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        scope[REQUEST_ID] = os.urandom(16).hex()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += self._headers_of(scope, message["headers"])
            await send(message)

        try:
            await self._handle(scope, receive, send_and_note)
        except Exception as error:
            log.error("request %s failed", scope[REQUEST_ID], exc_info=error)
            if status:
                raise  # the answer has begun: only cutting the connection is honest now
            problem = ProblemError(problems.INTERNAL)
            await respond(problem, scope[REQUEST_ID])(scope, receive, send_and_note)
        finally:
            self._count(scope, status, time.perf_counter() - started)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = header_problem(scope["headers"])
        if error is not None:
            await respond(error, scope[REQUEST_ID])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _headers_of(
        self, scope: Scope, own: Sequence[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Return what every answer says besides its own headers."""
        headers = [
            (b"x-request-id", scope[REQUEST_ID].encode()),
            *self._security,
            *limit_headers(scope),
        ]
        if not any(name == b"cache-control" for name, _ in own):
            headers.append((b"cache-control", b"no-store"))  # a handler says what may be kept
        pending = scope.get(BODY_PENDING)
        if pending is not None and pending():
            headers.append((b"connection", b"close"))  # rather than read what nobody asked for
        return headers

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get(ROUTE, UNMATCHED)
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        requests_of(route, method, str(status)).inc()
        latency_of(route).observe(seconds)


@cache
def requests_of(route: str, method: str, status: str) -> Counter:
    """Return one counter of requests; looking it up takes longer than counting."""
    return metrics.API_REQUESTS.labels(route, method, status)


@cache
def latency_of(route: str) -> Histogram:
    """Return one histogram of latencies."""
    return metrics.API_LATENCY.labels(route)


def header_problem(headers: Sequence[tuple[bytes, bytes]]) -> ProblemError | None:
    """Return what is wrong with the headers as a whole; the edge has bounded their size."""
    deciding = [name for name, _ in headers if name in GIVEN_ONCE]
    if len(deciding) != len(set(deciding)):
        return ProblemError(problems.MALFORMED, "a header that decides is given twice")
    return None


def on_problem(request: Request, error: Exception) -> Response:
    """Answer a problem that a handler raised."""
    assert isinstance(error, ProblemError)
    return respond(error, request.scope[REQUEST_ID])


def allowed_at(request: Request) -> str:
    """Return the methods of the request's path: of all its routes, the router names the first's.

    Of several templates that fit, the one with the fewest parameters is meant, as in OpenAPI.
    """
    methods: dict[str, set[str]] = {}
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods.setdefault(route.path, set()).update(route.methods or ())
    meant = min(methods, key=lambda path: path.count("{"), default="")
    return ", ".join(sorted(methods.get(meant, ())))


def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router raised: 404 and 405."""
    assert isinstance(error, HTTPException)
    kind = problems.METHOD_NOT_ALLOWED if error.status_code == 405 else problems.NOT_FOUND
    headers = {"Allow": allowed_at(request)} if kind is problems.METHOD_NOT_ALLOWED else {}
    problem = ProblemError(kind, headers=headers)
    return respond(problem, request.scope[REQUEST_ID])


def on_kafka(request: Request, error: Exception) -> Response:
    """Answer that Kafka is away; the event may have landed, a repetition is harmless."""
    log.warning("request %s: %s", request.scope[REQUEST_ID], error)
    return respond(problems.unavailable("the event log"), request.scope[REQUEST_ID])


def on_database(request: Request, error: Exception) -> Response:
    """Answer that Postgres is away."""
    log.warning("request %s: database: %s", request.scope[REQUEST_ID], type(error).__name__)
    return respond(problems.unavailable("the database"), request.scope[REQUEST_ID])


def on_hashing_busy(request: Request, error: Exception) -> Response:
    """Answer that others' passwords come first: anybody can bring it about, so it is no 5xx."""
    problem = ProblemError(
        problems.TOO_MANY_AT_ONCE, str(error), headers={"Retry-After": str(HASHING_RETRY_S)}
    )
    return respond(problem, request.scope[REQUEST_ID])


def on_session_ended(request: Request, error: Exception) -> Response:
    """Answer a change whose session ended under it, as the next call will be answered."""
    log.warning("request %s: nothing was changed: %s", request.scope[REQUEST_ID], error)
    return respond(ProblemError(problems.UNAUTHENTICATED), request.scope[REQUEST_ID])


Handler = Callable[[Request, Exception], Response]
ERRORS: Mapping[Any, Handler] = {
    ProblemError: on_problem,
    HTTPException: on_http_exception,
    KafkaUnavailable: on_kafka,
    HashingBusy: on_hashing_busy,
    SessionEnded: on_session_ended,
    psycopg.OperationalError: on_database,
    psycopg.InterfaceError: on_database,
}
