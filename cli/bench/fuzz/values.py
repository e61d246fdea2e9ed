"""Values that have made trouble elsewhere, and random ones."""

import random
from typing import Any
from urllib.parse import quote_from_bytes

SEGMENTS = (
    "user-1", "film-1", "acme", "%00", "%ff", "..", "%2e%2e", "%2e%2e%2f", "a" * 300, "%C3%BC",
    "a|b", "'--", "-", "%0d%0aX:%20y", "null", "a%2Fb", "*", "$%7Bjndi:x%7D", "%", "%zz", "%u0041",
    "__proto__", "1e999", "%F0%9F%98%80", "%ED%A0%80", "~", "!", ";a=b", "user-1;x", "@",
)  # fmt: skip
VALUES = (
    "", "0", "-1", "1", "999", "1e3", "NaN", "DE", "de", "%00", "cowatch", "director", "event-1",
    "x" * 3000, "%C3%BC", "%F0%9F%98%80", "'%20OR%201=1", "YWJj", "0x10", "true", "[]", "Drama",
    "%D9%A3", "9" * 400, "../../etc/passwd", "%ff%fe", "%0a", "+", "&", "=", "a=b", "%25",
)  # fmt: skip
NAMES = (
    "limit", "region", "after_event", "cursor", "by", "order", "genre", "limit[]", "", "%00",
    "a" * 100, "q", "row", "__proto__",
)  # fmt: skip
STRINGS = (
    "", "x", "\0", "x" * 5000, "2026-01-01T00:00:00Z", "0000-00-00T99:99:99Z",
    "event-1", "playing",
    "9" * 500, "\u202e", "\U0001f600", "ü", "'",
    "-0001-01-01T00:00:00+99:99",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**64), 0.5, -0.0, 1e308, 5e-324)
LITERALS = (
    b"", b"null", b"{", b"[[[[", b'"\\ud800"', b"NaN", b"Infinity", b"\xef\xbb\xbf{}", b"1e400",
    b"[" * 2000, b'{"a":' * 500, b"{}{}", b"\xff\xfe{\x00}\x00", b'{"a":1,"a":2}',
    b"[" + b"1," * 1500,
    b"-", b"01", b'"\x00"', b"[" + b"[]," * 1200 + b"[]]", b"true", b"0" * 5000,
)  # fmt: skip


def a_value(dice: random.Random, depth: int = 0) -> Any:
    """Return a JSON value, at most five deep."""
    kind = dice.randrange(8)
    if depth > 4 or kind < 3:
        return dice.choice(STRINGS)
    if kind == 3:
        return dice.choice(NUMBERS)
    if kind == 4:
        return dice.choice((None, True, False, [], {}))
    if kind == 5:
        return [a_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    return {dice.choice(STRINGS): a_value(dice, depth + 1) for _ in range(dice.randrange(4))}


def any_text(dice: random.Random) -> str:
    """Return a segment or value of a URL: random bytes, quoted."""
    return quote_from_bytes(dice.randbytes(dice.randrange(1, 12)), safe="")


def changed(dice: random.Random, document: Any) -> Any:
    """Return an example with one of its parts replaced, removed, added or repeated."""
    if isinstance(document, list):
        return [changed(dice, item) for item in document] * dice.randrange(1, 4)
    if not isinstance(document, dict) or not document:
        return a_value(dice)
    result = dict(document)
    field = dice.choice(sorted(result))
    kind = dice.randrange(6)
    if kind == 0:
        del result[field]
    elif kind == 1:
        result[dice.choice(STRINGS)] = a_value(dice)
    elif kind == 2 and isinstance(result[field], dict | list):
        result[field] = changed(dice, result[field])
    else:
        result[field] = a_value(dice)
    return result
