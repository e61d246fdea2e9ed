"""Keys of webhook signatures: shared secrets, a partner's public keys, and which schemes count.

Text forms are those of Standard Webhooks: ``whsec_`` + base64 of 24 to 64 bytes for a secret,
``whpk_`` + base64 of 32 bytes for an Ed25519 public key. The partner keeps its private key.
"""

import base64
import hashlib
import secrets as random
from enum import StrEnum
from typing import NamedTuple

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, not a secret
SECRET_BYTES_NEW = 32
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64  # the specification's range
PUBLIC_KEY_PREFIX = "whpk_"
PUBLIC_KEY_BYTES = 32
FINGERPRINT_LENGTH = 8

# Edwards25519 (RFC 8032, 5.1): x^2 = (y^2 - 1) / (D y^2 + 1) modulo P.
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
# y of the points whose order divides 8: for such a key anybody can find signatures.
ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER_Y = frozenset({0, 1, P - 1, ORDER_8_Y, P - ORDER_8_Y})


class Scheme(StrEnum):
    """Ways to sign; the value is what settings and commands call it."""

    V1 = "v1"  # Standard Webhooks: HMAC-SHA256 over id, timestamp and body
    V1A = "v1a"  # Standard Webhooks: Ed25519 over id, timestamp and body
    SHA256 = "sha256"  # X-Webhook-Signature: HMAC-SHA256 over the body alone


SECRET_SCHEMES = frozenset({Scheme.V1, Scheme.SHA256})


class Keyring(NamedTuple):
    """What the signatures of one partner are judged by: schemes that count, keys that live.

    ``ends`` are (key, Unix milliseconds) of those that are not for ever: a keyring is kept for some
    seconds, and no key may count for longer than its partner was told.
    """

    schemes: frozenset[Scheme]
    secrets: tuple[bytes, ...] = ()
    public_keys: tuple[bytes, ...] = ()
    ends: tuple[tuple[bytes, int], ...] = ()

    def live_at(self, now_s: float) -> "Keyring":
        """Return the keyring without the keys that have ended by ``now_s``, Unix seconds."""
        ended = {key for key, until_ms in self.ends if until_ms <= now_s * 1000}
        if not ended:
            return self
        return self._replace(
            secrets=tuple(key for key in self.secrets if key not in ended),
            public_keys=tuple(key for key in self.public_keys if key not in ended),
        )


class SecretError(ValueError):
    """A text is not the form of a secret or of a public key; the message never repeats it."""


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
    secret = _decoded(text, SECRET_PREFIX, "a webhook secret")
    if not SECRET_BYTES_MIN <= len(secret) <= SECRET_BYTES_MAX:
        raise SecretError(f"a webhook secret has 24 to 64 bytes, not {len(secret)}")
    return secret


def format_public_key(public_key: bytes) -> str:
    """Return the text form of an Ed25519 public key."""
    return PUBLIC_KEY_PREFIX + base64.b64encode(public_key).decode()


def parse_public_key(text: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key given as text.

    Raises:
        SecretError: wrong prefix, base64 or length, no point of the curve, or one of small order.
    """
    key = _decoded(text, PUBLIC_KEY_PREFIX, "a public key")
    if len(key) != PUBLIC_KEY_BYTES:
        raise SecretError(f"an Ed25519 public key has {PUBLIC_KEY_BYTES} bytes, not {len(key)}")
    if not _is_usable_point(key):
        raise SecretError("this is no usable Ed25519 public key: check that it was copied whole")
    return key


def fingerprint(key: bytes) -> str:
    """Return what may be shown of a secret or a key: enough to tell two apart.

    >>> fingerprint(b"abc")
    'ba7816bf'
    """
    return hashlib.sha256(key).hexdigest()[:FINGERPRINT_LENGTH]


def _decoded(text: str, prefix: str, what: str) -> bytes:
    if not text.startswith(prefix):
        raise SecretError(f"{what} starts with {prefix}")
    try:
        return base64.b64decode(text[len(prefix) :], validate=True)
    except ValueError as error:  # binascii.Error, and text that is not ASCII
        raise SecretError(f"{what} is base64 after its prefix") from error


def _is_usable_point(key: bytes) -> bool:
    """Whether the bytes are a point of the curve in canonical form, of large order."""
    y = int.from_bytes(key, "little") & ((1 << 255) - 1)  # the highest bit is the sign of x
    if y >= P or y in SMALL_ORDER_Y:
        return False
    x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    return pow(x_squared, (P - 1) // 2, P) == 1
