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
    """One kind of problem; ``slug`` is the stable end of its type URI.

    ``advice`` says what the caller does about it, in the page of all problems. ``challenge`` is
    the WWW-Authenticate that RFC 9110 asks for with status 401.
    """

    slug: str
    status: int
    title: str
    advice: str = ""
    challenge: str = 'Bearer realm="media-gateway"'

    @property
    def type(self) -> str:
        """The type URI."""
        return TYPE_PREFIX + self.slug


MALFORMED = Kind(
    "malformed-request", 400, "The request is malformed",
    "Mend the sender: it is not HTTP/1.1, the body is not JSON or ended early, or a header that "
    "decides is missing, given twice or of another form. The same bytes fail again.",
)  # fmt: skip
INVALID = Kind(
    "invalid-content", 400, "The content is not valid",
    "Mend what `detail` names; with a batch, `errors` has one entry for each of the first events. "
    "The same content fails again.",
)  # fmt: skip
UNAUTHENTICATED = Kind(
    "unauthenticated", 401, "Valid credentials are required",
    "Send valid credentials as the operation's `security` says. Expired, revoked and unknown ones "
    "get the same answer.",
)  # fmt: skip
BAD_SIGNATURE = Kind(
    "bad-signature", 401, "The signature or its timestamp is not valid",
    "Sign the exact bytes that are sent, with the current secret and the time of this try; check "
    "the clock. Then send again with the same webhook-id.",
    'StandardWebhooks realm="media-gateway"',
)  # fmt: skip
LOGIN_REFUSED = Kind(
    "login-refused", 401, "The login was refused",
    "Check name, password and code; each code counts once, so wait for the next one. After some "
    "failures the account waits longer each time, and the right password is refused too.",
)  # fmt: skip
FORBIDDEN = Kind(
    "forbidden", 403, "These credentials do not allow this",
    "Use credentials that have the scope or role that `detail` names, and that belong to this user "
    "or partner.",
)  # fmt: skip
RECENT_CODE_REQUIRED = Kind(
    "recent-code-required", 403, "A recent code is required",
    "Prove a code with `POST /api/v1/auth/step-up`, then repeat the call with the new token.",
)  # fmt: skip
CODE_REFUSED = Kind(
    "code-refused", 403, "The code was refused",
    "Wait for the next code of the authenticator app; each counts once. The session stays.",
)  # fmt: skip
NOT_FOUND = Kind(
    "not-found", 404, "There is no such thing",
    "Check the path and the ids. What a webhook announced is there about a second later.",
)  # fmt: skip
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "This method is not supported here",
    "Use a method that the `Allow` header names.",
)  # fmt: skip
TOO_SLOW = Kind(
    "request-timeout", 408, "The request did not arrive in time",
    "Send the head within 10 seconds and the body within 10 more; repeating the request is safe.",
)  # fmt: skip
CONFLICT = Kind(
    "conflicting-delivery", 409, "This id was used for other content",
    "Give other content another webhook-id; a repeated delivery repeats the same bytes.",
)  # fmt: skip
EXISTS = Kind(
    "already-exists", 409, "There is one of this name already",
    "Choose another name, or change the one that there is.",
)  # fmt: skip
STATE_CONFLICT = Kind(
    "state-conflict", 409, "Its state does not allow this",
    "Look at it: `detail` says which state stands in the way. Mend that first.",
)  # fmt: skip
TOO_LARGE = Kind(
    "too-large", 413, "The request is too large",
    "Send less: fewer events in a batch, a shorter body, query or set of headers.",
)  # fmt: skip
URL_TOO_LONG = Kind(
    "url-too-long", 414, "The URL is too long",
    "Shorten the path and the query: together they may have 4096 bytes.",
)  # fmt: skip
UNSUPPORTED_TYPE = Kind(
    "unsupported-media-type", 415, "This type of content is not supported",
    "Send `Content-Type: application/json`, not compressed.",
)  # fmt: skip
QUOTA_EXCEEDED = Kind(
    "quota-exceeded", 429, "Too many requests",
    "Wait as long as `Retry-After` says; `RateLimit` and `RateLimit-Policy` say what there is. "
    "Nothing of the call was done.",
)  # fmt: skip
TOO_MANY_AT_ONCE = Kind(
    "too-many-at-once", 429, "Too many at once",
    "Wait as long as `Retry-After` says, then repeat it: passwords and codes are hashed a few at a "
    "time, whoever sends them. Nothing of the call was done.",
)  # fmt: skip
HEADERS_TOO_LARGE = Kind(
    "headers-too-large", 431, "The headers are too large",
    "Send fewer or shorter headers: 64 of together 16 KiB.",
)  # fmt: skip
INTERNAL = Kind(
    "internal-error", 500, "An unexpected error",
    "Try again later; if it stays, give the operator the `instance`. Repeating a post is safe.",
)  # fmt: skip
NOT_SET_UP = Kind(
    "not-set-up", 501, "This gateway is not set up for this",
    "Ask whoever runs the gateway: `detail` names what is missing.",
)  # fmt: skip
UNAVAILABLE = Kind(
    "unavailable", 503, "Temporarily unavailable, try again",
    "Wait as long as `Retry-After` says, then repeat the same request: ids make that safe.",
)  # fmt: skip

KINDS = (
    MALFORMED, INVALID, UNAUTHENTICATED, BAD_SIGNATURE, LOGIN_REFUSED, FORBIDDEN,
    RECENT_CODE_REQUIRED, CODE_REFUSED, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_SLOW,
    CONFLICT, EXISTS, STATE_CONFLICT, TOO_LARGE, URL_TOO_LONG, UNSUPPORTED_TYPE, QUOTA_EXCEEDED,
    TOO_MANY_AT_ONCE, HEADERS_TOO_LARGE, INTERNAL, NOT_SET_UP, UNAVAILABLE,
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
    if error.kind.status == 401:
        headers.setdefault("WWW-Authenticate", error.kind.challenge)
    return Response(body_of(error, request_id), error.kind.status, headers, CONTENT_TYPE)
