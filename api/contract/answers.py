"""Endpoint -> its documented responses: answers, and every problem with an example."""

from collections.abc import Iterable
from typing import Any

from api import problems
from api.contract.headers import Case, headers_of
from api.endpoint import Answer, Endpoint, Link
from api.identity.access import CallerKind
from api.limits.limit import UNLIMITED
from api.problems import Kind
from api.responses import JSON_TYPE
from schemas.api import Problem

Json = dict[str, Any]

NO_CONTENT = 204
REFERENCE = "#/components/schemas/{model}"
SHARED = "#/components/responses/{name}"
INSTANCE = "urn:media-gateway:request:8f14e45fceea4670a2b6d8d1c0a0f3a1"
# Whatever the endpoint: it may be no HTTP, or too slow; URLs, headers and queries have a size,
# handlers a deadline, and connections a number.
EVERYWHERE = (
    problems.MALFORMED, problems.TOO_SLOW, problems.TOO_LARGE, problems.URL_TOO_LONG,
    problems.HEADERS_TOO_LARGE, problems.INTERNAL, problems.UNAVAILABLE,
)  # fmt: skip
OF_BODIES = (problems.INVALID, problems.UNSUPPORTED_TYPE)
UNLIMITED_PREFIX = "unlimited_"


def kinds_of(endpoint: Endpoint) -> tuple[Kind, ...]:
    """Return every problem an endpoint may answer with, by status: declared ones and implied."""
    kinds = {*endpoint.problems, *EVERYWHERE}
    if endpoint.access.caller is CallerKind.SIGNING_PARTNER:
        kinds.add(problems.BAD_SIGNATURE)
    elif endpoint.access.caller is not CallerKind.ANYBODY:
        kinds |= {problems.UNAUTHENTICATED, problems.FORBIDDEN}
    if endpoint.access.recent_totp:
        kinds.add(problems.RECENT_CODE_REQUIRED)
    if is_limited(endpoint):
        kinds.add(problems.QUOTA_EXCEEDED)
    if endpoint.parameters:
        kinds.add(problems.INVALID)
    if endpoint.body is not None:
        kinds |= set(OF_BODIES)
    return tuple(sorted(kinds, key=lambda kind: (kind.status, kind.slug)))


def is_limited(endpoint: Endpoint) -> bool:
    """Whether calls of an endpoint are counted."""
    return endpoint.limit is not UNLIMITED


def responses(endpoint: Endpoint) -> Json:
    """Return the responses of an endpoint, by status; those of problems alone are shared."""
    answers = {answer.status: answer for answer in endpoint.answers}
    by_status = by_status_of(kinds_of(endpoint))
    limited = is_limited(endpoint)
    return {
        str(status): (
            response(answers[status], Case(status, by_status.get(status, ()), limited))
            if status in answers
            else {"$ref": SHARED.format(name=shared_name(Case(status, by_status[status], limited)))}
        )
        for status in sorted({*answers, *by_status})
    }


def shared_responses(endpoints: Iterable[Endpoint]) -> Json:
    """Return the responses that ``responses`` refers to, by name."""
    found = {
        Case(status, kinds, is_limited(endpoint))
        for endpoint in endpoints
        for status, kinds in by_status_of(kinds_of(endpoint)).items()
        if status not in {answer.status for answer in endpoint.answers}
    }
    ordered = sorted(found, key=lambda case: (case.status, shared_name(case)))
    return {shared_name(case): problem_response(case) for case in ordered}


def shared_name(case: Case) -> str:
    """Return the name of a response of problems: their slugs."""
    slugs = ".".join(kind.slug for kind in case.kinds)
    return slugs if case.limited else UNLIMITED_PREFIX + slugs


def by_status_of(kinds: Iterable[Kind]) -> dict[int, tuple[Kind, ...]]:
    """Return problems by status."""
    found: dict[int, tuple[Kind, ...]] = {}
    for kind in kinds:
        found[kind.status] = (*found.get(kind.status, ()), kind)
    return found


def response(answer: Answer, case: Case) -> Json:
    """Return the response of an answer, and of problems with the same status."""
    texts = [answer.description, *map(title_and_type, case.kinds)]
    content: Json = {} if answer.status == NO_CONTENT else {answer.media_type: media_of(answer)}
    if case.kinds:
        content[problems.CONTENT_TYPE] = problem_media(case.kinds)
    described: Json = {
        "description": "; ".join(texts),
        "headers": headers_of(case, answer.cache_control),
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


def problem_response(case: Case) -> Json:
    """Return the response of problems with one status."""
    return {
        "description": "; ".join(map(title_and_type, case.kinds)),
        "headers": headers_of(case),
        "content": {problems.CONTENT_TYPE: problem_media(case.kinds)},
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
