"""Dead letters among the rows of users: when the event was, which is not when its letter came."""

from collections.abc import Mapping
from typing import Any

from domain.dead_letters import happened_at_ms, unpack_headers
from infra.privacy.words import bytes_of


def letter_time_ms(row: Mapping[str, Any]) -> int | None:
    """Return when the event of a row as JSON was, at the latest; None: it cannot be told.

    A letter is written seconds after the erasure for an event of before: its own time says nothing.
    """
    packed, value = bytes_of(row["headers"]), bytes_of(row["value"])
    at_ms = happened_at_ms(unpack_headers(packed) if packed else [], value)
    return None if at_ms is None else min(at_ms, int(row["failed_at_ms"]))
