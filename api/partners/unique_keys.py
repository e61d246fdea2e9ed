"""Whether an object of a JSON text has a key twice, which parsers silently let through."""

import json
from typing import Any

import orjson


def has_repeated_key(body: bytes, value: Any) -> bool:
    """Tell whether ``body``, whose parsed value is ``value``, gives a key twice in one object.

    In a text without ``\\u`` every colon stands after a key or is a character of a string. Written
    again, the value has the same colons, unless a repeated key took one away; so counting tells, at
    the speed of memory. With an escape, which may hide a colon, the text is read by the slower
    parser of the standard library, which shows every pair. ``value`` is at most 200 levels deep.

    >>> has_repeated_key(b'{"a": 1, "b": {"a": "x:y"}}', {"a": 1, "b": {"a": "x:y"}})
    False
    >>> has_repeated_key(b'{"a": 1, "a": 1}', {"a": 1})
    True
    """
    if b"\\" not in body or b"\\u" not in body:  # the first is five times as fast
        return orjson.dumps(value).count(b":") != body.count(b":")
    try:
        # Numbers stay text: Python refuses integers of more than 4,300 digits.
        json.loads(body, object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    except _RepeatedKey:
        return True
    return False


class _RepeatedKey(Exception):
    """Found one."""


def _pairs(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _RepeatedKey
