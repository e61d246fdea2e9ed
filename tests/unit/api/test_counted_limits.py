"""A text that is within the limits by counting has a value that keeps them."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.parsing import ARRAY_MAX, DEPTH_MAX, KEYS_MAX, JsonLimits, check_json, is_within
from api.problems import ProblemError

SMALL = JsonLimits(array_max=3, string_max=60)
VALUES = st.recursive(
    st.one_of(
        st.text(alphabet='a\0ü":,[{', max_size=30), st.integers(-(2**60), 2**60), st.none(),
        st.sampled_from([2**53, 2**53 + 1, 1e300, "x" * 61]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=3), inner, max_size=5)
    ),
)  # fmt: skip


@settings(max_examples=1500)
@given(VALUES, st.sampled_from([SMALL, JsonLimits()]))
def test_counting_never_lets_through_what_walking_refuses(value, limits):
    body = orjson.dumps(value)
    if is_within(body, limits):
        check_json(orjson.loads(body), limits)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
        b"[" + b",".join([b"0"] * (ARRAY_MAX + 1)) + b"]",
        orjson.dumps({str(number): 0 for number in range(KEYS_MAX + 1)}),
        b'"\\u0000"', b"9007199254740993", b"-9007199254740993", orjson.dumps("x" * 20_000),
    ],
)  # fmt: skip
def test_what_is_refused_is_not_within(body):
    assert not is_within(body, JsonLimits())
    with pytest.raises(ProblemError):
        check_json(orjson.loads(body), JsonLimits())


def test_an_ordinary_text_is_within():
    assert is_within(orjson.dumps({"a": [1, 2.5, {"b": "12:00:00"}]}), JsonLimits())
