"""What is kept of an erasure: when, and where its mark is among the user's events. No user id.

Events that occurred until then are refused, however late they arrive and whoever sends them again;
what occurred later is of a new user. Events before the mark in the log had their effect before it.
"""

from struct import Struct
from typing import NamedTuple

_MARK = Struct(">QQ")
KEY_PREFIX = "#erased|"  # no user id begins like this; the pseudonym follows


class Erasure(NamedTuple):
    """The newest erasure of one user."""

    offset: int  # of the mark, in the user's partition
    erased_at_ms: int

    def admits(self, offset: int, occurred_at_ms: int) -> bool:
        """Whether an event is about the time after the erasure and was not taken in before it."""
        return offset > self.offset and occurred_at_ms > self.erased_at_ms

    def pack(self) -> bytes:
        """Return the bytes that are stored."""
        return _MARK.pack(self.offset, self.erased_at_ms)


def unpack(value: bytes) -> Erasure:
    """Return the erasure that ``pack`` packed."""
    return Erasure(*_MARK.unpack(value))


def table_key(pseudonym: str) -> str:
    """Return the key under which the erasure of a user is stored."""
    return KEY_PREFIX + pseudonym
