"""The check of a head at its boundaries; what llhttp refuses before is in tests/component/edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.bounds import HEADER_BYTES_MAX, HEADERS_MAX, URL_BYTES_MAX
from api.edge.head import check_head

HOST = (b"host", b"x")


def status(*headers, method=b"GET", target=b"/", version="1.1"):
    refusal = check_head(method, target, version, headers)
    return refusal and refusal.kind.status


@pytest.mark.parametrize(
    ("last", "first", "refused"),
    [
        ({"target": b"/" * URL_BYTES_MAX}, {"target": b"/" * (URL_BYTES_MAX + 1)}, 414),
        ({"target": b"/~!"}, {"target": b"/\x7f"}, 400),
        ({"target": b'/?a="b"'}, {"target": b"/#"}, 400),
        ({"version": "1.0"}, {"version": "1.2"}, 400),
        ({"method": b"OPTIONS"}, {"method": b"TRACE"}, 405),
    ],
)
def test_boundaries_of_the_first_line(last, first, refused):
    assert status(HOST, **last) is None
    assert status(HOST, **first) == refused


def test_boundaries_of_headers():
    many = [HOST, *[(b"x", b"")] * (HEADERS_MAX - 1)]
    assert status(*many) is None
    assert status(*many, (b"x", b"")) == 431
    assert status(HOST, (b"x", b"a" * (HEADER_BYTES_MAX - 6))) is None
    assert status(HOST, (b"x", b"a" * (HEADER_BYTES_MAX - 5))) == 431


@pytest.mark.parametrize("host", [b"x", b"x:80", b"127.0.0.1:8080", b"[::1]:80", b"a-b.c_d.e"])
def test_hosts(host):
    assert status((b"host", host)) is None


@pytest.mark.parametrize(
    "host", [b"", b"a b", b"a/b", b"a@b", b"[::1", b"x:123456", b"\xff", b"a:b"]
)
def test_what_is_no_host(host):
    assert status((b"host", host)) == 400


@pytest.mark.parametrize("length", [b"0", b"1" * 15])
def test_lengths(length):
    assert status(HOST, (b"content-length", length)) is None


@pytest.mark.parametrize(
    "length", [b"", b"+1", b"-1", b" 1", b"1 ", b"1,1", b"0x1", b"1" * 16, b"\xb2"]
)
def test_what_is_no_length(length):
    assert status(HOST, (b"content-length", length)) == 400


@given(
    st.binary(max_size=30), st.binary(max_size=30), st.sampled_from(["1.1", "1.0", "0.9", "2.0"]),
    st.lists(
        st.tuples(
            st.sampled_from([b"host", b"content-length", b"transfer-encoding", b"x"]),
            st.sampled_from([b"x", b"0", b"5", b"chunked", b"\0", b"", b"gzip"]),
        ),
        max_size=6,
    ),
)  # fmt: skip
def test_it_is_total_and_lets_through_one_reading_only(method, target, version, headers):
    if check_head(method, target, version, headers) is None:
        values = {name: [v for n, v in headers if n == name] for name, _ in headers}
        lengths = values.get(b"content-length", []) + values.get(b"transfer-encoding", [])
        assert len(lengths) <= 1
        assert len(values.get(b"host", [])) == 1 or version == "1.0"
        assert target.startswith(b"/")
