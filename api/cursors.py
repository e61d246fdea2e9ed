"""Positions in a list <-> cursors: opaque to callers, and read by nothing that trusts them."""

import base64
import binascii
import re

from api.parsing import Query
from api.problems import INVALID, ProblemError

CURSOR = re.compile(r"[A-Za-z0-9_\-]{1,160}={0,2}", re.ASCII)
CURSOR_LENGTH_MAX = 162
CURSOR_SCHEMA = {
    "type": "string",
    "pattern": f"^{CURSOR.pattern}$",
    "maxLength": CURSOR_LENGTH_MAX,
}
EXPECTED = "a cursor from an answer"


def format_cursor(*position: object) -> str:
    """Return the cursor of the page that follows a row: of its place in the order of the list."""
    return base64.urlsafe_b64encode("|".join(map(str, position)).encode()).decode()


def read_cursor(
    query: Query, pattern: re.Pattern[str], name: str = "cursor"
) -> re.Match[str] | None:
    """Return what a parameter says, None on the first page.

    Args:
        query: of the request.
        pattern: what a position looks like as text, its parts joined by ``|``.
        name: of the parameter.

    Raises:
        ProblemError: it is no cursor of this list.
    """
    text = query.text(name, CURSOR, EXPECTED)
    if text is None:
        return None
    try:
        match = pattern.fullmatch(base64.urlsafe_b64decode(text).decode("ascii"))
    except (binascii.Error, UnicodeDecodeError):
        match = None
    if match is None:
        raise ProblemError(INVALID, f"{name}: expected {EXPECTED}")
    return match
