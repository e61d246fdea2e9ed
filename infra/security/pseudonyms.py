"""User id -> the pseudonym by which an erased user is remembered: HMAC-SHA256 as hex.

Late events of an erased user must be recognised, and the id itself must not be kept. A keyed hash
cannot be computed, or searched for by trying ids, without the key. The key cannot be rotated
without the ids, so older keys stay behind the current one and are still recognised.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable

from infra.settings import SettingsError

KEY_BYTES = 32
DOMAIN = b"media-gateway erasure\n"  # the key says nothing about other uses of it
NO_KEY = b""


class PseudonymError(SettingsError):
    """The key is not usable; the message says why."""


class Pseudonyms:
    """Computes pseudonyms.

    Args:
        keys_base64: keys of 32 bytes as base64, comma-separated, the current one first. Empty: the
            hash has no key.

    Raises:
        PseudonymError: a key is not 32 bytes of base64.
    """

    def __init__(self, keys_base64: str) -> None:
        given = [_key(each.strip()) for each in keys_base64.split(",") if each.strip()]
        # Without a key is always recognised: a key may be set after the first erasure.
        self._keys = (*given, NO_KEY)
        self.is_keyed = bool(given)

    def of(self, user_id: str) -> str:
        """Return the pseudonym under the current key, 64 hex digits."""
        return _pseudonym(self._keys[0], user_id)

    def all_of(self, user_id: str) -> tuple[str, ...]:
        """Return the pseudonyms under every key, the current one first."""
        return tuple(_pseudonym(key, user_id) for key in self._keys)

    def pairs_of(self, user_ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return (user id, pseudonym) for each user, once, under every key; sorted by user."""
        return [(user, each) for user in sorted(set(user_ids)) for each in self.all_of(user)]


def joined(*keys_base64: str) -> str:
    """Return the keys of several settings as one, in their order, each once.

    >>> joined("new", "", "old, new")
    'new,old'
    """
    each_once = dict.fromkeys(each.strip() for keys in keys_base64 for each in keys.split(","))
    return ",".join(each for each in each_once if each)


def _pseudonym(key: bytes, user_id: str) -> str:
    return hmac.digest(key, DOMAIN + user_id.encode(), "sha256").hex()


def _key(key_base64: str) -> bytes:
    try:
        key = base64.b64decode(key_base64, validate=True)
    except binascii.Error as error:
        raise PseudonymError("MEDIA_GATEWAY_ERASURE_KEY is not base64") from error
    if len(key) != KEY_BYTES:
        raise PseudonymError(
            f"MEDIA_GATEWAY_ERASURE_KEY: a key has {len(key)} bytes; it needs {KEY_BYTES}"
        )
    return key


WITHOUT_KEY = Pseudonyms("")
