"""The headers of a delivery -> what they say, or a refusal that names the header to mend."""

from starlette.requests import Request

from api.partners import reasons
from api.partners.reasons import Refused
from infra.security.webhooks import (
    SIGNATURES_MAX,
    TIMESTAMP_PATTERN,
    V1A_SIGNATURES_MAX,
    Given,
    Verdict,
    WebhookHeaders,
    parse_headers,
)

NAMES = (b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"x-webhook-signature")
ID_FORM = "1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit"
TIMESTAMP_FORM = "Unix seconds of this try, 1 to 12 digits"
SIGNATURE_FORM = (
    f"v1,<base64 of 32 bytes> or v1a,<base64 of 64 bytes>, up to {SIGNATURES_MAX} with a space "
    f"between, up to {V1A_SIGNATURES_MAX} of them v1a"
)
BODY_SIGNATURE_FORM = "sha256=<64 hexadecimal digits>"


def headers_of(request: Request) -> WebhookHeaders:
    """Return the headers that decide; none may be given twice."""
    found: dict[bytes, str] = {}
    for name, value in request.scope["headers"]:
        if name.startswith(b"webhook-") or name == NAMES[-1]:
            if name in found:
                raise Refused(reasons.DUPLICATE_HEADERS, f"{shown(name)}: given twice")
            found[name] = value.decode("latin-1")
    return WebhookHeaders(*map(found.get, NAMES))


def shown(name: bytes) -> str:
    """Return the name of a header for the partner: others are a stranger's own words."""
    return name.decode() if name in NAMES else "a header that begins with webhook-"


def given_of(headers: WebhookHeaders) -> Given:
    """Return what well-formed headers say."""
    given = parse_headers(headers)
    if isinstance(given, Given):
        return given
    if given is Verdict.NO_SIGNATURE:
        raise Refused(reasons.NO_SIGNATURE, unreadable(headers))
    raise Refused(reasons.MALFORMED_HEADERS, wrong("webhook-id", headers.webhook_id, ID_FORM))


def unreadable(headers: WebhookHeaders) -> str:
    """Return which header is why no signature could be read; values are never repeated."""
    if headers.signature is None and headers.body_signature is not None:
        return wrong("x-webhook-signature", headers.body_signature, BODY_SIGNATURE_FORM)
    if headers.signature is None:
        return wrong("webhook-signature", None, SIGNATURE_FORM)
    if headers.timestamp is None or not TIMESTAMP_PATTERN.fullmatch(headers.timestamp):
        return wrong("webhook-timestamp", headers.timestamp, TIMESTAMP_FORM)
    return wrong("webhook-signature", headers.signature, SIGNATURE_FORM)


def wrong(name: str, value: str | None, form: str) -> str:
    """Return what is wrong with one header.

    >>> wrong("webhook-timestamp", None, TIMESTAMP_FORM)
    'webhook-timestamp: the header is missing; send Unix seconds of this try, 1 to 12 digits'
    """
    if value is None:
        return f"{name}: the header is missing; send {form}"
    return f"{name}: the header is malformed; send {form}"
