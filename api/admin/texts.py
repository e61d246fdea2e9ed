"""Limits and texts that several subjects need."""

from schemas.times import to_rfc3339

BODY_BYTES_MAX = 16 * 1024  # a hundred ids and a reason, even where every letter is an escape


def moment(at_ms: int | None) -> str | None:
    """Return a time as RFC 3339, None where there is none."""
    return None if at_ms is None else to_rfc3339(at_ms)
