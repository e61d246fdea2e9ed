"""Secrets at rest: AES-256-GCM when there is a key, and marked as plain when there is none.

A sealed text starts with its form: ``aes256gcm:`` + id of the key + ``:`` + base64(nonce,
ciphertext, tag), or ``plain:`` + base64. Texts of before keys had ids lack the id. The context (the
owner's name) is authenticated, so a sealed secret cannot be moved to another owner.

Keys are changed without a gap: the new one seals, the old ones still open, ``media-gateway secrets
rotate`` seals everything anew, then the old ones can go. A key that nobody has any more is named by
its id: what it sealed is lost, and hinders nothing.
"""

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_LENGTH = 8
SEALED = "aes256gcm:"
PLAIN = "plain:"
CURRENT, OLD = "MEDIA_GATEWAY_SECRETS_KEY", "MEDIA_GATEWAY_SECRETS_KEYS_OLD"
LOST = "MEDIA_GATEWAY_SECRETS_KEYS_LOST"


class SealingError(ValueError):
    """The key is not usable, or the sealed text is damaged, foreign, or sealed with another key."""


def encrypt(key: bytes, nonce: bytes, message: bytes, context: bytes) -> bytes:
    """Return ciphertext and tag (16 bytes) of AES-GCM; the nonce must never repeat under a key."""
    return AESGCM(key).encrypt(nonce, message, context)


def decrypt(key: bytes, nonce: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return the message of ciphertext and tag.

    Raises:
        SealingError: not from this key, nonce and context, or a nonce of other than 8 to 128 bytes.
    """
    try:
        return AESGCM(key).decrypt(nonce, sealed, context)
    except (InvalidTag, ValueError) as error:
        raise SealingError("it was not sealed with this key and context") from error


class Sealer:
    """Seals and opens short secrets.

    Args:
        key_base64: 32 bytes as base64, or an empty string: secrets are kept unencrypted.
        old_keys_base64: keys that open what they sealed and seal nothing more, comma-separated.
        lost_key_ids: ids of keys that are lost, comma-separated.

    Raises:
        SealingError: a key is not 32 bytes of base64, or there are only old ones; or a lost one is
            set after all.
    """

    def __init__(self, key_base64: str, old_keys_base64: str = "", lost_key_ids: str = "") -> None:
        old = _words(old_keys_base64)
        if old and not key_base64:
            raise SealingError(f"{OLD} is set, but {CURRENT} is not: nothing could be sealed anew")
        self._current = _key(key_base64, CURRENT) if key_base64 else None
        current = [] if self._current is None else [self._current]
        self._keys = {key_id(key): key for key in (*current, *(_key(text, OLD) for text in old))}
        self._lost = frozenset(_words(lost_key_ids))
        if self._lost & self._keys.keys():
            raise SealingError(f"{LOST} names a key that is set in {CURRENT} or {OLD}")

    @property
    def has_key(self) -> bool:
        """Whether what is sealed now is encrypted."""
        return self._current is not None

    def seal(self, secret: bytes, context: str) -> str:
        """Return the text to store."""
        if self._current is None:
            return PLAIN + base64.b64encode(secret).decode()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + encrypt(self._current, nonce, secret, context.encode())
        return f"{SEALED}{key_id(self._current)}:{base64.b64encode(sealed).decode()}"

    def seal_encrypted(self, secret: bytes, context: str) -> str:
        """Return the text to store of a secret that is never kept unencrypted.

        Raises:
            SealingError: there is no key.
        """
        if not self.has_key:
            raise SealingError(f"{CURRENT} is not set, and this secret is never stored unencrypted")
        return self.seal(secret, context)

    def open(self, text: str, context: str) -> bytes:
        """Return the secret of a stored text; text stored without a key stays readable.

        Raises:
            SealingError: see the class.
        """
        if text.startswith(PLAIN):
            return _base64(text[len(PLAIN) :], context)
        return self.open_encrypted(text, context)

    def open_encrypted(self, text: str, context: str) -> bytes:
        """Return the secret of a stored text that must be encrypted.

        Raises:
            SealingError: see the class; also for a text that is stored as it is.
        """
        if not text.startswith(SEALED):
            raise SealingError(f"a stored secret of {context!r} is not encrypted as it must be")
        named, separator, rest = text[len(SEALED) :].rpartition(":")
        if separator and named not in self._keys:
            raise SealingError(
                f"the secret of {context!r} is sealed with a key ({named}) that is not in "
                f"{CURRENT} or {OLD}"
            )
        if not self._keys:
            raise SealingError(
                f"the secret of {context!r} is sealed with a key that is not set ({CURRENT})"
            )
        sealed = _base64(rest, context)
        for key in [self._keys[named]] if separator else self._keys.values():
            try:
                return decrypt(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
            except SealingError:
                continue
        raise SealingError(f"a stored secret of {context!r} cannot be opened")

    def can_open(self, text: str, context: str) -> bool:
        """Whether the key of a stored text is set; where the text does not name it, by trying."""
        if text.startswith(PLAIN):
            return True
        named = key_id_of(text)
        if named is not None:
            return named in self._keys
        try:
            self.open_encrypted(text, context)
        except SealingError:
            return False
        return True

    def is_lost(self, text: str) -> bool:
        """Whether a stored text is sealed with a key that is known to be lost."""
        return key_id_of(text) in self._lost

    def is_current(self, text: str) -> bool:
        """Whether a stored text is as ``seal`` would store it now."""
        if self._current is None:
            return text.startswith(PLAIN)
        return text.startswith(f"{SEALED}{key_id(self._current)}:")


def sealer_of(settings: Settings) -> Sealer:
    """Return the sealer with the keys that are set.

    Raises:
        SealingError: see ``Sealer``.
    """
    return Sealer(settings.secrets_key, settings.secrets_keys_old, settings.secrets_keys_lost)


def key_id_of(text: str) -> str | None:
    """Return the id of the key that sealed a stored text, None where the text names none."""
    form, _, rest = text.partition(":")
    named, separator, _ = rest.rpartition(":")
    return named if separator and f"{form}:" == SEALED else None


def key_id(key: bytes) -> str:
    """Return the name of a key in what it sealed; it says nothing about the key."""
    return hashlib.sha256(b"media-gateway key id\n" + key).hexdigest()[:KEY_ID_LENGTH]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _base64(text: str, context: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealingError(f"a stored secret of {context!r} is damaged") from error


def _key(key_base64: str, variable: str) -> bytes:
    try:
        key = base64.b64decode(key_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealingError(f"{variable} is not base64") from error
    if len(key) != KEY_BYTES:
        raise SealingError(f"{variable} has a key of {len(key)} bytes; it needs {KEY_BYTES}")
    return key
