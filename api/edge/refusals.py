"""Answers of the connection itself, to what never becomes a request: bytes, problem documents."""

import http
import uuid

from api import problems
from api.edge.head import Refusal
from api.edge.security_headers import Headers
from api.problems import ProblemError, body_of

# What some path here takes: which one was asked for has not been looked at.
ALLOWED = ("GET", "HEAD", "PATCH", "POST")
BUSY = Refusal(problems.UNAVAILABLE, "too many connections")


def answer(refusal: Refusal, security: Headers) -> bytes:
    """Return a whole HTTP/1.1 response, after which the connection ends.

    Args:
        refusal: why.
        security: headers of every answer.
    """
    request_id = uuid.uuid4().hex
    kind = refusal.kind
    body = body_of(ProblemError(kind, refusal.detail), request_id)
    lines = [
        f"HTTP/1.1 {kind.status} {http.HTTPStatus(kind.status).phrase}",
        f"content-type: {problems.CONTENT_TYPE}",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        f"x-request-id: {request_id}",
        "connection: close",
        *(f"{name.decode()}: {value.decode()}" for name, value in security),
    ]
    if kind is problems.METHOD_NOT_ALLOWED:
        lines.append(f"allow: {', '.join(ALLOWED)}")
    if kind is problems.UNAVAILABLE:
        lines.append(f"retry-after: {problems.RETRY_AFTER_S}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
