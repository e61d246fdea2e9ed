"""Endpoint -> its documented responses: answers, and every problem with an example."""

from collections.abc import Iterable
from typing import Any

from api import problems
from api.contract.headers import headers_of
from api.endpoint import Answer, Endpoint, Link
from api.identity.access import Caller
from api.problems import Kind
from api.responses import JSON_TYPE
from schemas.api import Problem

Json = dict[str, Any]

NO_CONTENT = 204
REFERENCE = "#/components/schemas/{model}"
SHARED = "#/components/responses/{name}"
INSTANCE = "urn:media-gateway:request:8f14e45fceea4670a2b6d8d1c0a0f3a1"
# Whatever the endpoint: it may be no HTTP; headers and queries have a size, handlers a deadline.
EVERYWHERE = (problems.MALFORMED, problems.TOO_LARGE, problems.INTERNAL, problems.UNAVAILABLE)
OF_BODIES = (problems.INVALID, problems.TOO_SLOW, problems.UNSUPPORTED_TYPE)


def kinds_of(endpoint: Endpoint) -> tuple[Kind, ...]:
    """Return every problem an endpoint may answer with, by status: declared ones and implied."""
    kinds = {*endpoint.problems, *EVERYWHERE}
    if endpoint.access.caller is Caller.SIGNING_PARTNER:
        kinds.add(problems.BAD_SIGNATURE)
    elif endpoint.access.caller is not Caller.ANYBODY:
        kinds |= {problems.UNAUTHENTICATED, problems.FORBIDDEN}
    if endpoint.parameters:
        kinds.add(problems.INVALID)
    if endpoint.body is not None:
        kinds |= set(OF_BODIES)
    return tuple(sorted(kinds, key=lambda kind: (kind.status, kind.slug)))


def responses(endpoint: Endpoint) -> Json:
    """Return the responses of an endpoint, by status; those of problems alone are shared."""
    answers = {answer.status: answer for answer in endpoint.answers}
    by_status = by_status_of(kinds_of(endpoint))
    return {
        str(status): (
            response(answers[status], by_status.get(status, ()))
            if status in answers
            else {"$ref": SHARED.format(name=shared_name(by_status[status]))}
        )
        for status in sorted({*answers, *by_status})
    }


def shared_responses(endpoints: Iterable[Endpoint]) -> Json:
    """Return the responses that ``responses`` refers to, by name."""
    found = {
        kinds
        for endpoint in endpoints
        for status, kinds in by_status_of(kinds_of(endpoint)).items()
        if status not in {answer.status for answer in endpoint.answers}
    }
    ordered = sorted(found, key=lambda kinds: (kinds[0].status, shared_name(kinds)))
    return {shared_name(kinds): problem_response(kinds) for kinds in ordered}


def shared_name(kinds: tuple[Kind, ...]) -> str:
    """Return the name of the response with these problems: their slugs."""
    return ".".join(kind.slug for kind in kinds)


def by_status_of(kinds: Iterable[Kind]) -> dict[int, tuple[Kind, ...]]:
    """Return problems by status."""
    found: dict[int, tuple[Kind, ...]] = {}
    for kind in kinds:
        found[kind.status] = (*found.get(kind.status, ()), kind)
    return found


def response(answer: Answer, kinds: tuple[Kind, ...]) -> Json:
    """Return the response of an answer, and of problems with the same status."""
    texts = [answer.description, *map(title_and_type, kinds)]
    content: Json = {} if answer.status == NO_CONTENT else {answer.media_type: media_of(answer)}
    if kinds:
        content[problems.CONTENT_TYPE] = problem_media(kinds)
    described: Json = {
        "description": "; ".join(texts),
        "headers": headers_of(answer.status, kinds),
    }
    if content:
        described["content"] = content
    if answer.links:
        described["links"] = {link.operation: link_object(link) for link in answer.links}
    return described


def link_object(link: Link) -> Json:
    """Return how a value of the answer, or of the request, calls another operation."""
    return {
        "operationId": link.operation,
        "description": link.description,
        "parameters": dict(link.parameters),
    }


def problem_response(kinds: tuple[Kind, ...]) -> Json:
    """Return the response of problems with one status."""
    return {
        "description": "; ".join(map(title_and_type, kinds)),
        "headers": headers_of(kinds[0].status, kinds),
        "content": {problems.CONTENT_TYPE: problem_media(kinds)},
    }


def title_and_type(kind: Kind) -> str:
    """Return how a response names a problem."""
    return f"{kind.title} (`{kind.type}`)"


def media_of(answer: Answer) -> Json:
    """Return the media type object of an answer."""
    if answer.model is None:
        return {"schema": {"type": "object"}} if answer.media_type == JSON_TYPE else {}
    media: Json = {"schema": {"$ref": REFERENCE.format(model=answer.model.__name__)}}
    if answer.example is not None:
        media["example"] = answer.example
    return media


def problem_media(kinds: tuple[Kind, ...]) -> Json:
    """Return the media type object of problems: exactly these types, an example of each."""
    status = kinds[0].status
    own = {
        "type": {"type": "string", "enum": [kind.type for kind in kinds]},
        "title": {"type": "string", "enum": [kind.title for kind in kinds]},
        "status": {"type": "integer", "format": "int32", "minimum": status, "maximum": status},
    }
    return {
        "schema": {
            "allOf": [
                {"$ref": REFERENCE.format(model=Problem.__name__)},
                {"type": "object", "properties": own},
            ]
        },
        "examples": {
            kind.slug: {"summary": kind.title, "value": problem_example(kind)} for kind in kinds
        },
    }


def problem_example(kind: Kind) -> Json:
    """Return a problem document of one kind."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "instance": INSTANCE,
    }
