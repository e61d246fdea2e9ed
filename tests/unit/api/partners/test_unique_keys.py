"""A repeated key is found exactly, whatever stands between and however it is written."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.partners.unique_keys import has_repeated_key

WORDS = st.text(alphabet='a:"\\/ü\n,{}', max_size=4)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False,
                                                                       allow_infinity=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(WORDS, inner), max_size=4).map(lambda pairs: Pairs(pairs)),
    ),
    max_leaves=12,
)  # fmt: skip


class Pairs(list):
    """An object as it may be written: pairs, perhaps with a key twice."""


def written(value, *, escaped):
    """Return the JSON text of a value, every character of strings as an escape if asked."""
    if isinstance(value, Pairs):
        inner = ", ".join(
            f"{written(key, escaped=escaped)} : {written(each, escaped=escaped)}"
            for key, each in value
        )
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(each, escaped=escaped) for each in value) + "]"
    if isinstance(value, str) and escaped:
        return '"' + "".join(f"\\u{ord(char):04x}" for char in value) + '"'
    return json.dumps(value, ensure_ascii=False)


def repeats(value):
    if isinstance(value, Pairs):
        keys = [key for key, _ in value]
        return len(keys) != len(set(keys)) or any(repeats(each) for _, each in value)
    return isinstance(value, list) and any(map(repeats, value))


@settings(max_examples=1500)
@given(VALUES, st.booleans())
def test_exactly_the_texts_with_a_repeated_key_are_found(value, escaped):
    body = written(value, escaped=escaped).encode()
    assert has_repeated_key(body, orjson.loads(body)) == repeats(value)


@pytest.mark.parametrize(
    ("body", "repeated"),
    [
        (b'{"a":1,"a":"\\u003a"}', True),  # a hidden colon must not make up for the lost one
        (b'{"a":"\\u003a"}', False),
        (b'{"a\\/":1,"a/":2}', True),
        (b'{"a":{"a":{"a":1}}}', False),
        (b'{"a":' + b"1" * 300 + b',"b":"\\u0000"}', False),
        (b'[{"a":1},{"a":1}]', False),
        (b'"a:a:a"', False),
    ],
)
def test_what_is_written_in_odd_ways(body, repeated):
    assert has_repeated_key(body, orjson.loads(body)) is repeated
