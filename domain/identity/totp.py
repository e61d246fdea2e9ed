"""Codes of an authenticator app (TOTP, RFC 6238): which steps a code belongs to.

SHA-1, six digits and steps of 30 s are what authenticator apps support; the secret has the length
of the hash (RFC 4226, section 4). One step before and after the current one is accepted: RFC 6238,
section 5.2, allows one for delay, and the clock of a phone may be ahead as well.
"""

import base64
import hmac
import re

import pyotp

SECRET_BYTES = 20
DIGITS = 6
STEP_S = 30
DRIFT_STEPS = 1
ISSUER = "Media Gateway"
# pyotp normalises Unicode, so that full-width digits pass; they must not get there.
CODE_PATTERN = re.compile(r"[0-9]{6}", re.ASCII)


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """Return the code of a step (30 s each since 1970, 0 or more).

    >>> code_at(b"12345678901234567890", 1, digits=8)
    '94287082'
    """
    return pyotp.HOTP(base32(secret), digits=digits).at(step)


def step_at(at_ms: int) -> int:
    """Return the step of a time, Unix milliseconds."""
    return at_ms // (STEP_S * 1000)


def steps_of(secret: bytes, code: str, at_ms: int) -> tuple[int, ...]:
    """Return the steps around ``at_ms`` that have this code, in order; none for a wrong one.

    Every step is compared, in constant time, so the time says nothing about which one it was.
    """
    if not CODE_PATTERN.fullmatch(code):
        return ()
    now = step_at(at_ms)
    steps = range(max(0, now - DRIFT_STEPS), now + DRIFT_STEPS + 1)
    return tuple([step for step in steps if hmac.compare_digest(code_at(secret, step), code)])


def base32(secret: bytes) -> str:
    """Return a secret as people type it into an app that cannot scan."""
    return base64.b32encode(secret).decode()


def otpauth_uri(secret: bytes, name: str) -> str:
    """Return what the QR code holds; it contains the secret."""
    return pyotp.TOTP(base32(secret)).provisioning_uri(name=name, issuer_name=ISSUER)
