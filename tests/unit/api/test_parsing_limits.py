"""Every limit of a JSON document at its boundary: the last that is taken, the first that is not."""

import orjson
import pytest

from api.parsing import (
    ARRAY_MAX,
    DEPTH_MAX,
    INTEGER_MAX,
    KEYS_MAX,
    QUERY_BYTES_MAX,
    STRING_MAX,
    JsonLimits,
    Query,
    parse_json,
)
from api.problems import ProblemError


class QueryRequest:
    def __init__(self, size):
        self.scope = {"query_string": b"x" * size}
        self.query_params = {}


def nested(depth):
    return b"[" * depth + b"]" * depth


def keys(count):
    return orjson.dumps({str(number): 0 for number in range(count)})


BOUNDARIES = {
    "depth": (nested(DEPTH_MAX), nested(DEPTH_MAX + 1)),
    "depth of objects": (
        b'{"a":' * (DEPTH_MAX - 1) + b"1" + b"}" * (DEPTH_MAX - 1),
        b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX,
    ),
    "keys": (keys(KEYS_MAX), keys(KEYS_MAX + 1)),
    "array": (orjson.dumps([0] * ARRAY_MAX), orjson.dumps([0] * (ARRAY_MAX + 1))),
    "inner array": (orjson.dumps({"a": [0] * ARRAY_MAX}), orjson.dumps([[0] * (ARRAY_MAX + 1)])),
    "string": (orjson.dumps("x" * STRING_MAX), orjson.dumps("x" * (STRING_MAX + 1))),
    "key": (orjson.dumps({"x" * STRING_MAX: 0}), orjson.dumps({"x" * (STRING_MAX + 1): 0})),
    "integer": (b"%d" % INTEGER_MAX, b"%d" % (INTEGER_MAX + 1)),
    "negative integer": (b"%d" % -INTEGER_MAX, b"%d" % -(INTEGER_MAX + 1)),
    "NUL": (b'"\\u0001"', b'"\\u0000"'),
    "NUL in a key": (b'{"\\u0001":1}', b'{"\\u0000":1}'),
    "number": (b"1e308", b"NaN"),
    "text": (b'"\xc3\xbc"', b'"\xfc"'),
}


@pytest.mark.parametrize(("last", "first"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_the_boundary_of(last, first):
    assert parse_json(last) == orjson.loads(last)
    with pytest.raises(ProblemError) as caught:
        parse_json(first)
    assert caught.value.kind.status in (400, 413)


def test_an_endpoint_may_have_tighter_limits():
    limits = JsonLimits(array_max=2, string_max=3)
    parse_json(b'["abc",1]', limits)
    for document in (b"[1,2,3]", b'["abcd"]'):
        with pytest.raises(ProblemError):
            parse_json(document, limits)


def test_the_boundary_of_a_query():
    Query(QueryRequest(QUERY_BYTES_MAX))
    with pytest.raises(ProblemError):
        Query(QueryRequest(QUERY_BYTES_MAX + 1))
