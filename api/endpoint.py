"""One endpoint as data: what the router, the OpenAPI document and the tests need to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.deadline import POST_S, READ_S, Handler, answer_within
from api.gateway import ROUTE
from api.identity.access import Access
from api.identity.again import ACCESS
from api.limits.admission import admit_within
from api.limits.limit import PER_CALLER, Limit
from api.problems import Kind
from schemas.codec import WireModel

NO_STORE = "no-store"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One path, query or header parameter; ``schema`` is a JSON schema.

    Only a header may be ``optional``: paths never are, and query parameters always.
    """

    name: str
    where: str
    schema: dict[str, Any]
    description: str
    example: Any = None
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A JSON request body: one ``model``, or also an array of up to ``array_max``."""

    model: type[WireModel]
    bytes_max: int
    example: Any
    array_max: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What can be called next with what is known now.

    ``operation`` is the name of an endpoint; ``parameters`` are its parameters, each with a runtime
    expression of OpenAPI (``$response.body#/entries/0/content_id``).
    """

    operation: str
    description: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The response to a successful call; ``model`` None: ``media_type`` without a schema.

    ``cache_control`` is what the handler says of it; unless it says something, nothing is kept.
    """

    description: str
    model: type[WireModel] | None
    status: int = 200
    media_type: str = "application/json"
    example: Any = None
    links: tuple[Link, ...] = ()
    cache_control: str = NO_STORE


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    access: Access
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    problems: tuple[Kind, ...] = ()
    limit: Limit = PER_CALLER

    def route(self) -> Route:
        """Return the Starlette route: with a deadline, and the template as label of metrics."""
        seconds = READ_S if self.method == "GET" else POST_S

        async def handle(request: Request) -> Response:
            request.scope[ROUTE] = self.path
            return await answer_within(seconds, self.answer, request)

        return Route(self.path, handle, methods=[self.method], name=self.name)

    async def answer(self, request: Request) -> Response:
        """Return the handler's answer to a caller who may call."""
        request.scope[ACCESS] = self.access
        await admit_within(request, self.access, self.limit)
        return await self.handler(request)
