"""Random secrets of operators: session tokens, recovery codes, secrets of authenticator apps."""

import hashlib
import re
import secrets

from domain.identity.totp import SECRET_BYTES

TOKEN_PREFIX = "mg_op_"  # noqa: S105 - a prefix, not a secret
TOKEN_BYTES = 32
TOKEN_PATTERN = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
ID_PREFIX = "op_"
# 30 characters that nobody takes for another: no 0 and O, no 1, I and L, no U and V together.
RECOVERY_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
RECOVERY_LENGTH = 8
RECOVERY_CODES = 10
SALT_BYTES = 16


def create_token() -> str:
    """Return a new session token of 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Whether ``text`` has the form of a session token; never raises."""
    return TOKEN_PATTERN.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """Return what is stored of a token: a plain hash, since nobody can guess 256 bits."""
    return hashlib.sha256(token.encode()).digest()


def create_operator_id() -> str:
    """Return a new id; it says nothing about its operator."""
    return ID_PREFIX + secrets.token_hex(8)


def create_totp_secret() -> bytes:
    """Return a new secret for an authenticator app."""
    return secrets.token_bytes(SECRET_BYTES)


def create_salt() -> bytes:
    """Return a new salt for the recovery codes of one operator."""
    return secrets.token_bytes(SALT_BYTES)


def create_recovery_codes() -> list[str]:
    """Return ten new recovery codes of 8 characters, all different."""
    codes: set[str] = set()
    while len(codes) < RECOVERY_CODES:
        codes.add("".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH)))
    return sorted(codes)


def read_recovery_code(text: str) -> str:
    """Return a recovery code as it was given out: capitals, without blanks and hyphens."""
    return re.sub(r"[\s-]", "", text).upper()
