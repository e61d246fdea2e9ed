"""One user id as a whole word in text or bytes."""

import re
from collections.abc import Iterator
from typing import Any

from schemas.ids import KEY_SEPARATOR

_ID_CHARACTER = rb"[A-Za-z0-9._:@\-]"
_HEXADECIMAL = re.compile(r"\\x((?:[0-9a-f]{2})+)")
BYTEA_PREFIX = "\\x"  # Postgres writes bytea as hexadecimal digits behind this


class Word:
    """Finds an id where it stands alone: ``user-1`` is not in ``user-12``."""

    def __init__(self, user_id: str) -> None:
        self.text = user_id
        word = re.escape(user_id.encode())
        self._pattern = re.compile(
            rb"(?<!" + _ID_CHARACTER + rb")" + word + rb"(?!" + _ID_CHARACTER + rb")"
        )

    def is_in(self, value: bytes | None) -> bool:
        """Whether the id is in these bytes; None has nothing in it."""
        return value is not None and self._pattern.search(value) is not None

    def begins(self, key: bytes) -> bool:
        """Whether the id is the first part of a key, or all of it."""
        return key.split(KEY_SEPARATOR.encode(), 1)[0] == self.text.encode()

    def is_in_hexadecimal(self, text: str) -> bool:
        """Whether the id is in bytes that a longer text writes as hexadecimal digits."""
        return any(self.is_in(bytes.fromhex(digits)) for digits in _HEXADECIMAL.findall(text))

    def count_in(self, value: bytes) -> int:
        """Return how often the id is in these bytes."""
        return sum(1 for _ in self._pattern.finditer(value))

    def is_in_json(self, value: Any) -> bool:
        """Whether the id is in a text of a JSON value, or in the bytes that a text stands for."""
        return any(self.is_in(each) for each in _texts(value))


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode()
        if value.startswith(BYTEA_PREFIX):
            try:
                yield bytes.fromhex(value.removeprefix(BYTEA_PREFIX))
            except ValueError:
                return  # a text that only begins like bytes
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name.encode()
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
