"""Errors of the API as RFC 9457 problem documents; there is no other form of error.

A problem says what the caller can do about it. It never contains a trace, a query, a secret or the
caller's input; ``instance`` names the request, and the log has the rest under that name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:media-gateway:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem; ``slug`` is the stable end of its type URI."""

    slug: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The type URI."""
        return TYPE_PREFIX + self.slug


MALFORMED = Kind("malformed-request", 400, "The request is malformed")
INVALID = Kind("invalid-content", 400, "The content is not valid")
UNAUTHENTICATED = Kind("unauthenticated", 401, "Valid credentials are required")
BAD_SIGNATURE = Kind("bad-signature", 401, "The signature or its timestamp is not valid")
LOGIN_REFUSED = Kind("login-refused", 401, "The login was refused")
FORBIDDEN = Kind("forbidden", 403, "These credentials do not allow this")
RECENT_CODE_REQUIRED = Kind("recent-code-required", 403, "A recent code is required")
CODE_REFUSED = Kind("code-refused", 403, "The code was refused")
NOT_FOUND = Kind("not-found", 404, "There is no such thing")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "This method is not supported here")
TOO_SLOW = Kind("request-timeout", 408, "The body did not arrive in time")
CONFLICT = Kind("conflicting-delivery", 409, "This id was used for other content")
EXISTS = Kind("already-exists", 409, "There is one of this name already")
STATE_CONFLICT = Kind("state-conflict", 409, "Its state does not allow this")
TOO_LARGE = Kind("too-large", 413, "The request is too large")
URL_TOO_LONG = Kind("url-too-long", 414, "The URL is too long")
UNSUPPORTED_TYPE = Kind("unsupported-media-type", 415, "This type of content is not supported")
QUOTA_EXCEEDED = Kind("quota-exceeded", 429, "Too many requests")
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large")
INTERNAL = Kind("internal-error", 500, "An unexpected error")
NOT_SET_UP = Kind("not-set-up", 501, "This gateway is not set up for this")
UNAVAILABLE = Kind("unavailable", 503, "Temporarily unavailable, try again")

KINDS = (
    MALFORMED, INVALID, UNAUTHENTICATED, BAD_SIGNATURE, LOGIN_REFUSED, FORBIDDEN,
    RECENT_CODE_REQUIRED, CODE_REFUSED, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_SLOW,
    CONFLICT, EXISTS, STATE_CONFLICT, TOO_LARGE, URL_TOO_LONG, UNSUPPORTED_TYPE, QUOTA_EXCEEDED,
    HEADERS_TOO_LARGE, INTERNAL, NOT_SET_UP, UNAVAILABLE,
)  # fmt: skip
RETRY_AFTER_S = 2


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(f"{kind.slug}: {detail}")
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        self.errors = errors


def unavailable(what: str) -> ProblemError:
    """Return the problem for a dependency that is away."""
    return ProblemError(UNAVAILABLE, f"{what} is not available at the moment")


def body_of(error: ProblemError, request_id: str) -> bytes:
    """Return the document of a problem."""
    document = {
        "type": error.kind.type,
        "title": error.kind.title,
        "status": error.kind.status,
        "detail": error.detail,
        "instance": f"urn:media-gateway:request:{request_id}",
        "errors": error.errors,
    }
    return orjson.dumps({name: value for name, value in document.items() if value is not None})


def respond(error: ProblemError, request_id: str) -> Response:
    """Return the response for a problem."""
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.kind is UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    if error.kind in (UNAUTHENTICATED, LOGIN_REFUSED):
        headers.setdefault("WWW-Authenticate", 'Bearer realm="media-gateway"')
    return Response(body_of(error, request_id), error.kind.status, headers, CONTENT_TYPE)
