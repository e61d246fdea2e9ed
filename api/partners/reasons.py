"""Every reason for which a webhook is refused: a stable word, an answer, and what to do about it.

The answer over HTTP says little to whoever could not sign. The partner itself reads what became of
its deliveries in its own view, with an API key.
"""

from dataclasses import dataclass

from api import problems
from api.problems import Kind, ProblemError


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; ``slug`` is stable and a bounded metric label."""

    slug: str
    kind: Kind
    explanation: str


MALFORMED_HEADERS = Reason(
    "malformed-headers", problems.MALFORMED,
    "webhook-id was missing or not well-formed. Send 1 to 64 of A-Z a-z 0-9 _ -, the first a "
    "letter or digit.",
)  # fmt: skip
DUPLICATE_HEADERS = Reason(
    "duplicate-headers", problems.MALFORMED,
    "A webhook header was given twice. Several signatures go into one webhook-signature header, "
    "with a space between.",
)  # fmt: skip
NO_SIGNATURE = Reason(
    "no-signature", problems.BAD_SIGNATURE,
    "No signature could be read. Send webhook-timestamp (Unix seconds, digits only) and "
    "webhook-signature (v1,<base64> of 32 bytes, or v1a,<base64> of 64).",
)  # fmt: skip
SCHEME_NOT_ALLOWED = Reason(
    "scheme-not-allowed", problems.BAD_SIGNATURE,
    "The signature was of a scheme that is not enabled for you, so it counted as none.",
)  # fmt: skip
BAD_SIGNATURE = Reason(
    "bad-signature", problems.BAD_SIGNATURE,
    "No signature fitted any of your live keys. Sign the exact bytes that you send (id, timestamp "
    "and body, with a dot between), and check that the secret was not rotated out.",
)  # fmt: skip
STALE_TIMESTAMP = Reason(
    "stale-timestamp", problems.BAD_SIGNATURE,
    "The signature was right, but webhook-timestamp was more than 5 minutes off. Sign each try "
    "anew with the time of the try, and check your clock.",
)  # fmt: skip
UNKNOWN_PARTNER = Reason("unknown-partner", problems.NOT_FOUND, "No partner has this name.")
DISABLED = Reason(
    "disabled", problems.NOT_FOUND, "You are disabled at the gateway; ask its operator."
)
UNSUPPORTED_TYPE = Reason(
    "unsupported-type", problems.UNSUPPORTED_TYPE,
    "The body was not declared as application/json, or it was compressed.",
)  # fmt: skip
BODY_INCOMPLETE = Reason(
    "body-incomplete", problems.MALFORMED,
    "The body ended early, or Content-Length was no number.",
)  # fmt: skip
BODY_TIMEOUT = Reason(
    "body-timeout", problems.TOO_SLOW, "The body did not arrive within 10 seconds."
)
BODY_TOO_LARGE = Reason(
    "body-too-large", problems.TOO_LARGE, "The body was larger than any partner may send."
)
OVER_YOUR_LIMIT = Reason(
    "over-your-limit", problems.TOO_LARGE,
    "The body was larger than your limit. Send one title in each webhook, or ask for more.",
)  # fmt: skip
TOO_MANY = Reason(
    "quota-exceeded", problems.QUOTA_EXCEEDED,
    "More deliveries than your limit per second. Wait as long as Retry-After says, then repeat it.",
)  # fmt: skip
NOT_JSON = Reason("not-json", problems.MALFORMED, "The body was not JSON (RFC 8259) in UTF-8.")
DUPLICATE_KEYS = Reason(
    "duplicate-keys", problems.MALFORMED,
    "An object of the body has the same key twice: which one was meant cannot be known.",
)  # fmt: skip
BAD_ENVELOPE = Reason(
    "bad-envelope", problems.INVALID,
    "The body was JSON but not a webhook envelope: see the detail for the field.",
)  # fmt: skip
TOO_MANY_ELEMENTS = Reason(
    "too-many-elements", problems.TOO_LARGE, "An array of the body has more than 1,000 elements."
)
IN_THE_FUTURE = Reason(
    "future-timestamp", problems.INVALID,
    "The timestamp in the body was more than 5 minutes ahead: it would overrule every later one.",
)  # fmt: skip
CONFLICT = Reason(
    "conflicting-delivery", problems.CONFLICT,
    "The webhook-id was used for other bytes within 7 days. A retry repeats the bytes; something "
    "new gets an id of its own.",
)  # fmt: skip
NOT_STORED = Reason(
    "not-stored", problems.UNAVAILABLE,
    "The gateway could not confirm that it stored the event. Repeat it with the same id and bytes: "
    "it takes effect once.",
)  # fmt: skip

REASONS = (
    MALFORMED_HEADERS, DUPLICATE_HEADERS, NO_SIGNATURE, SCHEME_NOT_ALLOWED, BAD_SIGNATURE,
    STALE_TIMESTAMP, UNKNOWN_PARTNER, DISABLED, UNSUPPORTED_TYPE, BODY_INCOMPLETE, BODY_TIMEOUT,
    BODY_TOO_LARGE, OVER_YOUR_LIMIT, TOO_MANY, NOT_JSON, DUPLICATE_KEYS, BAD_ENVELOPE,
    TOO_MANY_ELEMENTS, IN_THE_FUTURE, CONFLICT, NOT_STORED,
)  # fmt: skip
BY_SLUG = {reason.slug: reason for reason in REASONS}
# Problems of the shared checks, before and after the signature is known to be the partner's.
UNSIGNED_BY_KIND = {
    problems.UNSUPPORTED_TYPE: UNSUPPORTED_TYPE, problems.MALFORMED: BODY_INCOMPLETE,
    problems.TOO_SLOW: BODY_TIMEOUT, problems.TOO_LARGE: BODY_TOO_LARGE,
    problems.QUOTA_EXCEEDED: TOO_MANY,
}  # fmt: skip
SIGNED_BY_KIND = {
    problems.MALFORMED: NOT_JSON, problems.INVALID: BAD_ENVELOPE,
    problems.TOO_LARGE: TOO_MANY_ELEMENTS, problems.QUOTA_EXCEEDED: TOO_MANY,
}  # fmt: skip


class Refused(ProblemError):
    """Ends a webhook for a reason."""

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(reason.kind, detail)
        self.reason = reason


def reason_of(error: Exception, *, signed: bool) -> Reason:
    """Return the reason of a problem; what is not about the request is ``NOT_STORED``."""
    if isinstance(error, Refused):
        return error.reason
    if not isinstance(error, ProblemError):
        return NOT_STORED
    by_kind = SIGNED_BY_KIND if signed else UNSIGNED_BY_KIND
    return by_kind.get(error.kind, NOT_STORED)


def explanation_of(slug: str) -> str:
    """Return what a stored reason means."""
    known = BY_SLUG.get(slug)
    return "A reason that this version does not know." if known is None else known.explanation
