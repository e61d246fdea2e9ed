"""Unix milliseconds <-> RFC 3339 text, and the length of a day."""

import re
from datetime import UTC, datetime, timedelta

DAY_MS = 24 * 3600 * 1000
AT_MS_MAX = 253_402_300_799_000  # 9999-12-31T23:59:59Z: the last second RFC 3339 can write
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO, _MILLISECOND = timedelta(0), timedelta(milliseconds=1)
# datetime.fromisoformat takes more than RFC 3339 does (no separators, week dates, no zone).
_FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def to_rfc3339(at_ms: int) -> str:
    """Return ``at_ms`` (0 to ``AT_MS_MAX``) as RFC 3339 UTC with milliseconds.

    >>> to_rfc3339(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """Return Unix milliseconds, rounded down.

    Raises:
        ValueError: not RFC 3339 with a zone, no such day or time, or before 1970.

    >>> from_rfc3339("2023-11-14T23:13:20.123999+01:00")
    1700000000123
    """
    if not _FORM.fullmatch(text):
        raise ValueError("expected RFC 3339 with a zone, e.g. 2026-01-31T08:00:00Z")
    try:
        since = datetime.fromisoformat(text.upper()) - _EPOCH
    except (ValueError, OverflowError):
        raise ValueError("no such date or time") from None
    if since < _ZERO:
        raise ValueError("times before 1970 are not supported")
    return since // _MILLISECOND
