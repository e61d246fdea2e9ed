"""API keys: ``mg_live_`` + 8 characters of public id + 32 random characters.

Only the SHA-256 of the whole key is stored. A slow hash would add nothing: the random part has 190
bits (NIST SP 800-63B and OWASP ASVS 6.5 allow a plain hash from 112 bits on).
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from typing import NamedTuple

KEY_PREFIX = "mg_live_"
KEY_ID_LENGTH = 8
KEY_RANDOM_LENGTH = 32
ID_ALPHABET = string.ascii_lowercase + string.digits
RANDOM_ALPHABET = string.ascii_letters + string.digits
KEY_PATTERN = re.compile(
    rf"{KEY_PREFIX}([a-z0-9]{{{KEY_ID_LENGTH}}})[A-Za-z0-9]{{{KEY_RANDOM_LENGTH}}}", re.ASCII
)

PROGRESS_WRITE = "progress:write"
RECOMMENDATIONS_READ = "recommendations:read"
CATALOGUE_READ = "catalogue:read"
TOKENS_ISSUE = "tokens:issue"
DELIVERIES_READ = "deliveries:read"
USER_SCOPES = (PROGRESS_WRITE, RECOMMENDATIONS_READ, CATALOGUE_READ)  # also of tokens
APP_SCOPES = (*USER_SCOPES, TOKENS_ISSUE)
PARTNER_SCOPES = (DELIVERIES_READ,)
SCOPES = (*APP_SCOPES, *PARTNER_SCOPES)


class ScopesDoNotFit(ValueError):
    """Scopes and owner of a key do not belong together; the message says what is possible."""


def granted_scopes(
    scopes: Sequence[str] | None, *, user: str | None, partner: str | None
) -> tuple[str, ...]:
    """Return the scopes of a new key for its owner, each once; None asks for the usual ones.

    Raises:
        ScopesDoNotFit: two owners, no scope, or one that the owner cannot have.
    """
    if user is not None and partner is not None:
        raise ScopesDoNotFit("a key belongs to a user or to a partner, not to both")
    allowed = APP_SCOPES if partner is None else PARTNER_SCOPES
    if scopes is None:
        return USER_SCOPES if partner is None else PARTNER_SCOPES
    asked = tuple(dict.fromkeys(scopes))
    of_partners = [scope for scope in asked if scope in PARTNER_SCOPES]
    if partner is None and of_partners:
        raise ScopesDoNotFit(f"{', '.join(of_partners)} is for keys of a partner: name the partner")
    if not asked or not set(asked) <= set(allowed):
        raise ScopesDoNotFit(f"scopes are: {', '.join(allowed)}; at least one")
    if user is not None and TOKENS_ISSUE in asked:
        raise ScopesDoNotFit(f"{TOKENS_ISSUE} is for keys that speak for any user")
    return asked


class NewKey(NamedTuple):
    """A key at the one moment its text is known."""

    key_id: str
    text: str
    sha256: bytes


def create_key() -> NewKey:
    """Return a new random key."""
    key_id = "".join(secrets.choice(ID_ALPHABET) for _ in range(KEY_ID_LENGTH))
    random = "".join(secrets.choice(RANDOM_ALPHABET) for _ in range(KEY_RANDOM_LENGTH))
    text = KEY_PREFIX + key_id + random
    return NewKey(key_id, text, hash_key(text))


def parse_key_id(text: str) -> str | None:
    """Return the public id of a well-formed key, None for anything else; never raises."""
    match = KEY_PATTERN.fullmatch(text)
    return None if match is None else match.group(1)


def hash_key(text: str) -> bytes:
    """Return what is stored of a key. ``text`` is ASCII (see ``parse_key_id``)."""
    return hashlib.sha256(text.encode()).digest()


def matches(text: str, sha256: bytes) -> bool:
    """Whether ``text`` is the key with this hash; the time does not depend on where they differ."""
    return hmac.compare_digest(hash_key(text), sha256)
