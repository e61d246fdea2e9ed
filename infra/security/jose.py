"""Strict reading of what JOSE objects are made of: base64url (RFC 7515, section 2) and JSON.

Both are read so that one value has one spelling: no padding, no white space, no stray bits, no
member given twice, no number that is not finite. Every error is a ``JoseFormError``.
"""

import base64
import binascii
import json
import re
from typing import Any

BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

Json = dict[str, Any]


class JoseFormError(ValueError):
    """Not base64url, or not a JSON object, in its one spelling."""


def decode_base64url(text: str) -> bytes:
    """Return the bytes of ``text``.

    Raises:
        JoseFormError: another alphabet, padding, white space, or bits that are not used.
    """
    if not BASE64URL.fullmatch(text):
        raise JoseFormError("not base64url")
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise JoseFormError("not base64url") from error
    if encode_base64url(decoded) != text:
        raise JoseFormError("base64url with stray bits")
    return decoded


def encode_base64url(value: bytes) -> str:
    """Return ``value`` as base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def read_object(text: bytes) -> Json:
    """Return the JSON object in ``text`` (UTF-8).

    Raises:
        JoseFormError: not JSON, not an object, a member given twice, NaN or infinity, or nested
            deeper than the parser goes.
    """
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise JoseFormError("not a JSON object with each member once") from error
    if not isinstance(value, dict):
        raise JoseFormError("not a JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JoseFormError("a member is given twice")
    return found


def _refuse_constant(name: str) -> float:
    raise JoseFormError(f"{name} is not JSON")
