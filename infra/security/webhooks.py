"""Standard Webhooks 1.0 (v1): verify what a partner signed, sign what a partner sends.

``verify`` is total: for any header values and any bytes it returns a result and never raises, since
its input comes from anybody. It is stricter than the specification's reference libraries, which
accept loose numbers, loose base64 and thousands of signatures.

References: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import re
import secrets as random
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, not a secret
SECRET_BYTES_NEW = 32
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64  # the specification's range
TOLERANCE_S = 300
SIGNATURES_MAX = 10
DIGEST_BYTES = 32
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # no dot: it joins the signed parts
TIMESTAMP_PATTERN = re.compile(r"[0-9]{1,12}", re.ASCII)


class Verdict(Enum):
    """Outcome of a verification; the value is a bounded metric label."""

    VALID = "valid"
    MALFORMED_HEADERS = "malformed_headers"
    STALE = "stale"
    BAD_SIGNATURE = "bad_signature"


class WebhookHeaders(NamedTuple):
    """The three headers as they came, None when absent."""

    webhook_id: str | None
    timestamp: str | None
    signature: str | None


class SecretError(ValueError):
    """A secret is not ``whsec_`` + base64 of 24 to 64 bytes."""


def create_secret() -> bytes:
    """Return a new random secret of 32 bytes."""
    return random.token_bytes(SECRET_BYTES_NEW)


def format_secret(secret: bytes) -> str:
    """Return the text form of a secret, as senders expect it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def parse_secret(text: str) -> bytes:
    """Return the bytes of a secret given as text.

    Raises:
        SecretError: wrong prefix, wrong base64, or wrong length.
    """
    if not text.startswith(SECRET_PREFIX):
        raise SecretError(f"a webhook secret starts with {SECRET_PREFIX}")
    try:
        secret = base64.b64decode(text[len(SECRET_PREFIX) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretError("a webhook secret is base64 after its prefix") from error
    if not SECRET_BYTES_MIN <= len(secret) <= SECRET_BYTES_MAX:
        raise SecretError(f"a webhook secret has 24 to 64 bytes, not {len(secret)}")
    return secret


def sign(secret: bytes | str, webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """Return one signature, ``v1,<base64>``, over ``id.timestamp.body``.

    Args:
        secret: bytes, or the text form ``whsec_...``.
        webhook_id: letters, digits, ``_`` and ``-``; the same for every try of one delivery.
        timestamp_s: the time of this try, Unix seconds.
        body: the exact bytes that will be sent.

    Raises:
        SecretError: the text form is not a secret.
    """
    secret = parse_secret(secret) if isinstance(secret, str) else secret
    return "v1," + base64.b64encode(_digest(secret, webhook_id, str(timestamp_s), body)).decode()


def check_headers(headers: WebhookHeaders, now_s: float) -> Verdict:
    """Judge what needs no secret: the form of the headers and the age of the timestamp."""
    webhook_id, timestamp, signature = headers
    if signature is None or not _digests(signature):
        return Verdict.BAD_SIGNATURE  # who does not show who it is, is told that first
    if webhook_id is None or timestamp is None:
        return Verdict.MALFORMED_HEADERS
    if not ID_PATTERN.fullmatch(webhook_id) or not TIMESTAMP_PATTERN.fullmatch(timestamp):
        return Verdict.MALFORMED_HEADERS
    return Verdict.VALID if abs(now_s - int(timestamp)) <= TOLERANCE_S else Verdict.STALE


def verify(headers: WebhookHeaders, body: bytes, secrets: Sequence[bytes], now_s: float) -> Verdict:
    """Judge one delivery; never raises.

    Every signature is compared with every secret in constant time, without an early exit, so the
    time says nothing about which one was close.

    Args:
        headers: as received; nothing is trusted.
        body: the raw bytes that were signed.
        secrets: live secrets of the partner; several during a rotation, none for an unknown one.
        now_s: the clock, Unix seconds.
    """
    verdict = check_headers(headers, now_s)
    if verdict is not Verdict.VALID:
        return verdict
    webhook_id, timestamp, signature = headers
    assert webhook_id is not None
    assert timestamp is not None
    assert signature is not None
    given = _digests(signature)
    matches = False
    for secret in secrets:
        expected = _digest(secret, webhook_id, timestamp, body)
        for digest in given:
            matches |= hmac.compare_digest(expected, digest)
    return Verdict.VALID if matches else Verdict.BAD_SIGNATURE


def _digest(secret: bytes, webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.digest(secret, f"{webhook_id}.{timestamp}.".encode() + body, "sha256")


def _digests(signature: str) -> list[bytes]:
    """Return the well-formed v1 digests of a header; empty when none is, or there are too many.

    Other versions and damaged parts are passed over: a sender may rotate schemes, and one bad part
    must not hide a good one.
    """
    parts = signature.split(" ")
    if len(parts) > SIGNATURES_MAX:
        return []
    digests = (_digest_of(part) for part in parts)
    return [digest for digest in digests if digest is not None]


def _digest_of(part: str) -> bytes | None:
    version, _, text = part.partition(",")
    if version != "v1":
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, and text that is not ASCII
        return None
    canonical = base64.b64encode(digest).decode() == text  # no stray bits in the last character
    return digest if canonical and len(digest) == DIGEST_BYTES else None
