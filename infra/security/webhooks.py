"""Signed webhooks: verify what a partner signed, sign what a partner sends.

``verify`` is total: for any header values and any bytes it returns a result and never raises, since
its input comes from anybody. It is stricter than the specification's reference libraries, which
accept loose numbers, loose base64 and thousands of signatures.

Standard Webhooks 1.0 signs ``id.timestamp.body``, by HMAC (v1) or by Ed25519 (v1a). The older
scheme signs the body alone: neither the id nor the time is protected, so whoever captured one
delivery can send it again, whenever and under another id.

References: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infra.security.webhook_keys import Keyring, Scheme, parse_secret

TOLERANCE_S = 300
SIGNATURES_MAX = 10
# Each is tried with each live key, at a hundred times the price of a comparison: a sender in a
# rotation needs two.
V1A_SIGNATURES_MAX = 3
SIGNATURE_BYTES = {Scheme.V1: 32, Scheme.V1A: 64}
# No dot: it joins the signed parts. The first character is that of any of our identifiers.
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
TIMESTAMP_PATTERN = re.compile(r"[0-9]{1,12}", re.ASCII)
BODY_SIGNATURE_PATTERN = re.compile(r"sha256=([0-9A-Fa-f]{64})", re.ASCII)
PUBLIC_KEYS_KEPT = 1024  # parsed once


class Verdict(StrEnum):
    """Outcome of a verification; the value is a bounded metric label."""

    VALID = "valid"
    MALFORMED_HEADERS = "malformed_headers"
    NO_SIGNATURE = "no_signature"
    SCHEME_NOT_ALLOWED = "scheme_not_allowed"
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"  # signed by the partner, but now is not when


class WebhookHeaders(NamedTuple):
    """The headers as they came, None when absent; ``body_signature`` is the older scheme's."""

    webhook_id: str | None
    timestamp: str | None
    signature: str | None
    body_signature: str | None = None


class Given(NamedTuple):
    """What well-formed headers say; the timestamp is digits, or empty without v1 and v1a."""

    webhook_id: str
    timestamp: str
    signatures: dict[Scheme, list[bytes]]


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
    message = signed_content(webhook_id, str(timestamp_s), body)
    return "v1," + base64.b64encode(hmac.digest(secret, message, "sha256")).decode()


def sign_body(secret: bytes, body: bytes) -> str:
    """Return the value of ``X-Webhook-Signature``: the older scheme, over the body alone."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def parse_headers(headers: WebhookHeaders) -> Given | Verdict:
    """Return what the headers say, or the verdict when they hold no signature or no id.

    Who does not show who it is, is told that first. Parts of other versions and damaged parts are
    passed over: a sender may rotate schemes, and one bad part must not hide a good one. A signature
    that needs a timestamp is none without one.
    """
    webhook_id, timestamp, signature, body_signature = headers
    timed = timestamp is not None and TIMESTAMP_PATTERN.fullmatch(timestamp) is not None
    signatures = _standard_signatures(signature) if timed and signature is not None else {}
    body_match = BODY_SIGNATURE_PATTERN.fullmatch(body_signature or "")
    if body_match is not None:
        signatures[Scheme.SHA256] = [bytes.fromhex(body_match.group(1))]
    if not signatures:
        return Verdict.NO_SIGNATURE
    if webhook_id is None or not ID_PATTERN.fullmatch(webhook_id):
        return Verdict.MALFORMED_HEADERS
    return Given(webhook_id, (timestamp or "") if timed else "", signatures)


def verify(headers: WebhookHeaders, body: bytes, keyring: Keyring, now_s: float) -> Verdict:
    """Judge one delivery; never raises. ``headers`` are as received: nothing is trusted.

    See ``judge`` for the rest.
    """
    given = parse_headers(headers)
    return given if isinstance(given, Verdict) else judge(given, body, keyring, now_s)


def judge(given: Given, body: bytes, keyring: Keyring, now_s: float) -> Verdict:
    """Judge one delivery whose headers are well-formed; never raises.

    A signature of a scheme that the partner is not set to is no signature, and a key that has ended
    by the clock is no key, whenever the keyring was read. Every other signature is
    compared with every key, in constant time where the key is secret, without an early exit: the
    time says nothing about which one was close.

    Args:
        given: what the headers say.
        body: the raw bytes that were signed.
        keyring: the partner's; without keys for an unknown one.
        now_s: the clock, Unix seconds.
    """
    keyring = keyring.live_at(now_s)
    allowed = {
        scheme: found for scheme, found in given.signatures.items() if scheme in keyring.schemes
    }
    if not allowed:
        return Verdict.SCHEME_NOT_ALLOWED
    timeless = any_hmac(keyring.secrets, body, allowed.get(Scheme.SHA256, ()))
    message = signed_content(given.webhook_id, given.timestamp, body)
    timed = any_hmac(keyring.secrets, message, allowed.get(Scheme.V1, ()))
    timed |= any_ed25519(keyring.public_keys, message, allowed.get(Scheme.V1A, ()))
    if timeless or (timed and abs(now_s - int(given.timestamp)) <= TOLERANCE_S):
        return Verdict.VALID
    return Verdict.STALE if timed else Verdict.BAD_SIGNATURE


def signed_content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    """Return what Standard Webhooks signs."""
    return f"{webhook_id}.{timestamp}.".encode() + body


def any_hmac(secrets: Sequence[bytes], message: bytes, signatures: Sequence[bytes]) -> bool:
    """Whether one of the signatures is the whole HMAC-SHA256 of ``message`` with one secret."""
    found = False
    for secret in secrets if signatures else ():
        expected = hmac.digest(secret, message, "sha256")
        for signature in signatures:
            found |= hmac.compare_digest(expected, signature)
    return found


def any_ed25519(public_keys: Sequence[bytes], message: bytes, signatures: Sequence[bytes]) -> bool:
    """Whether one of the signatures (64 bytes) is one of ``message`` by one key (32 bytes)."""
    found = False
    for public_key in public_keys:
        for signature in signatures:
            try:
                _parsed(public_key).verify(signature, message)
            except InvalidSignature:
                continue
            found = True
    return found


@lru_cache(PUBLIC_KEYS_KEPT)
def _parsed(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def _standard_signatures(header: str) -> dict[Scheme, list[bytes]]:
    """Return the well-formed signatures of a header by scheme; none when there are too many."""
    parts = header.split(" ", SIGNATURES_MAX)
    if len(parts) > SIGNATURES_MAX:
        return {}
    found: dict[Scheme, list[bytes]] = {}
    for part in parts:
        parsed = _signature_of(part)
        if parsed is not None:
            found.setdefault(parsed[0], []).append(parsed[1])
    return found if len(found.get(Scheme.V1A, ())) <= V1A_SIGNATURES_MAX else {}


def _signature_of(part: str) -> tuple[Scheme, bytes] | None:
    version, _, text = part.partition(",")
    if version not in (Scheme.V1, Scheme.V1A):
        return None
    scheme = Scheme(version)
    try:
        signature = base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, and text that is not ASCII
        return None
    canonical = base64.b64encode(signature).decode() == text  # no stray bits at the end
    return (scheme, signature) if canonical and len(signature) == SIGNATURE_BYTES[scheme] else None
