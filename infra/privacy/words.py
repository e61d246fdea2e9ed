"""One user id as a whole word in text or bytes."""

import re
from collections.abc import Iterator
from typing import Any

from schemas.ids import KEY_SEPARATOR

_ID_CHARACTER = rb"[A-Za-z0-9._:@\-]"
_HEXADECIMAL = re.compile(r"\\x((?:[0-9a-f]{2})+)")
ONE_BYTE_LENGTHS = 64  # shorter ones are one byte; no id is longer than 64, so two are enough
BYTEA_PREFIX = "\\x"  # Postgres writes bytea as hexadecimal digits behind this


class Word:
    """Finds an id where it stands alone: ``user-1`` is not in ``user-12``."""

    def __init__(self, user_id: str) -> None:
        self.text = user_id
        word = re.escape(user_id.encode())
        self._pattern = re.compile(
            rb"(?<!" + _ID_CHARACTER + rb")" + word + rb"(?!" + _ID_CHARACTER + rb")"
        )
        self._in_file = _file_pattern(user_id.encode())

    def is_in(self, value: bytes | None) -> bool:
        """Whether the id is in these bytes; None has nothing in it."""
        return value is not None and self._pattern.search(value) is not None

    def begins(self, key: bytes) -> bool:
        """Whether the id is the first part of a key, or all of it."""
        return key.split(KEY_SEPARATOR.encode(), 1)[0] == self.text.encode()

    def is_in_hexadecimal(self, text: str) -> bool:
        """Whether the id is in bytes that a longer text writes as hexadecimal digits."""
        return any(self.is_in(bytes.fromhex(digits)) for digits in _HEXADECIMAL.findall(text))

    def count_in_file(self, value: bytes) -> int:
        """Return how often the id is in bytes of a file, rather too often than too rarely.

        In a segment of Kafka the length of a key or value stands before it, and that of the next
        one behind it. Such a byte may be a character of ids: the key ``viewer-42|film-000000001``
        follows an ``0``. So the id also counts behind what may be its own length, whatever follows,
        and behind what may be the length of a key that begins with it.
        """
        return sum(1 for _ in self._in_file.finditer(value))

    def is_in_json(self, value: Any) -> bool:
        """Whether the id is in a text of a JSON value, or in the bytes that a text stands for."""
        return any(self.is_in(each) for each in _texts(value))


def bytes_of(text: str | None) -> bytes | None:
    """Return the bytes that a text of Postgres stands for."""
    return None if text is None else bytes.fromhex(text.removeprefix(BYTEA_PREFIX))


def _file_pattern(word: bytes) -> re.Pattern[bytes]:
    """Return what ``Word.count_in_file`` finds; it begins with the id, so that scanning is fast."""
    literal, size = re.escape(word), len(word)
    behind = [
        rb"(?<!" + _ID_CHARACTER + literal + rb")(?!" + _ID_CHARACTER + rb")",
        rb"(?<=" + re.escape(_varint(size)) + literal + rb")",
    ]
    longer = b"".join(
        re.escape(_varint(each)) for each in range(size + 1, ONE_BYTE_LENGTHS)
    )  # the last byte of a longer length is no character of ids
    if longer:
        separator = re.escape(KEY_SEPARATOR.encode())
        behind.append(rb"(?<=[" + longer + rb"]" + literal + rb")(?=" + separator + rb")")
    return re.compile(literal + rb"(?:" + rb"|".join(behind) + rb")")


def _varint(length: int) -> bytes:
    """Return a length as Kafka's records have it: zigzag, 7 bits a byte, the lowest first."""
    number = length << 1
    if length < ONE_BYTE_LENGTHS:
        return bytes([number])
    return bytes([number & 0x7F | 0x80, number >> 7])


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
