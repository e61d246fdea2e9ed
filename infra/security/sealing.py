"""Secrets at rest: AES-256-GCM when there is a key, and marked as plain when there is none.

A sealed text starts with its form: ``aes256gcm:`` + base64(nonce, ciphertext, tag), or ``plain:`` +
base64. The context (the owner's name) is authenticated, so a sealed secret cannot be moved to
another owner.
"""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
SEALED = "aes256gcm:"
PLAIN = "plain:"


class SealingError(ValueError):
    """The key is not usable, or the sealed text is damaged, foreign, or sealed with another key."""


class Sealer:
    """Seals and opens short secrets.

    Args:
        key_base64: 32 bytes as base64, or an empty string: secrets are kept unencrypted.

    Raises:
        SealingError: the key is not 32 bytes of base64.
    """

    def __init__(self, key_base64: str) -> None:
        self._cipher = AESGCM(_key(key_base64)) if key_base64 else None

    @property
    def encrypts(self) -> bool:
        """Whether there is a key: secrets are not kept as they are."""
        return self._cipher is not None

    def seal(self, secret: bytes, context: str) -> str:
        """Return the text to store."""
        if self._cipher is None:
            return PLAIN + base64.b64encode(secret).decode()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret, context.encode())
        return SEALED + base64.b64encode(sealed).decode()

    def open(self, text: str, context: str) -> bytes:
        """Return the secret of a stored text; text stored without a key stays readable.

        Raises:
            SealingError: see the class.
        """
        try:
            if text.startswith(PLAIN):
                return base64.b64decode(text[len(PLAIN) :], validate=True)
            if not text.startswith(SEALED) or self._cipher is None:
                raise SealingError("sealed with a key that is not set (MEDIA_GATEWAY_SECRETS_KEY)")
            sealed = base64.b64decode(text[len(SEALED) :], validate=True)
            return self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode()
            )
        except (binascii.Error, InvalidTag, ValueError) as error:
            if isinstance(error, SealingError):
                raise
            raise SealingError(f"a stored secret of {context!r} cannot be opened") from error


def _key(key_base64: str) -> bytes:
    try:
        key = base64.b64decode(key_base64, validate=True)
    except binascii.Error as error:
        raise SealingError("MEDIA_GATEWAY_SECRETS_KEY is not base64") from error
    if len(key) != KEY_BYTES:
        raise SealingError(f"MEDIA_GATEWAY_SECRETS_KEY has {len(key)} bytes; it needs {KEY_BYTES}")
    return key
