"""Positions in a list <-> cursors: opaque to callers, and read by nothing that trusts them."""

import base64
import binascii
import re

from api.parsing import Query
from api.problems import INVALID, ProblemError

CURSOR = re.compile(r"[A-Za-z0-9_\-]{1,60}={0,2}", re.ASCII)
CURSOR_LENGTH_MAX = 62
CURSOR_SCHEMA = {
    "type": "string",
    "pattern": f"^{CURSOR.pattern}$",
    "maxLength": CURSOR_LENGTH_MAX,
}
EXPECTED = "a cursor from an answer"


def format_cursor(at_ms: int, name: object) -> str:
    """Return the cursor of the page that follows a row, named by its time and its name."""
    return base64.urlsafe_b64encode(f"{at_ms}|{name}".encode()).decode()


def read_cursor(query: Query, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return what the parameter ``cursor`` says, None on the first page.

    Args:
        query: of the request.
        pattern: what a position looks like as text.

    Raises:
        ProblemError: it is no cursor of this list.
    """
    text = query.text("cursor", CURSOR, EXPECTED)
    if text is None:
        return None
    try:
        match = pattern.fullmatch(base64.urlsafe_b64decode(text).decode("ascii"))
    except (binascii.Error, UnicodeDecodeError):
        match = None
    if match is None:
        raise ProblemError(INVALID, f"cursor: expected {EXPECTED}")
    return match
