"""The head of one request -> nothing, or why it is refused. Pure.

llhttp (in httptools) refuses most of what is malformed. What it lets through, and what two servers
in a row could read differently (RFC 9112, 11.2), is refused here: a request has one length, one
host and one target that needs no interpretation.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from api import problems
from api.edge.bounds import HEADER_BYTES_MAX, HEADERS_MAX, URL_BYTES_MAX
from api.problems import Kind

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
VERSIONS = frozenset({"1.1", "1.0"})
TARGET = re.compile(rb"/[!\"$-~]*")  # visible ASCII without #
HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?"
)
LENGTH = re.compile(rb"[0-9]{1,15}")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

Headers = Sequence[tuple[bytes, bytes]]


class Refusal(NamedTuple):
    """Why a request is refused; ``detail`` never repeats what was sent."""

    kind: Kind
    detail: str


MALFORMED = Refusal(problems.MALFORMED, "this is not an HTTP/1.1 request")
TOO_SLOW = Refusal(problems.TOO_SLOW, "the head of the request did not arrive in time")
URL_TOO_LONG = Refusal(problems.URL_TOO_LONG, f"a URL may have {URL_BYTES_MAX} bytes")
HEADERS_TOO_LARGE = Refusal(
    problems.HEADERS_TOO_LARGE,
    f"there may be {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes together",
)
FRAMING_TOO_LARGE = Refusal(problems.MALFORMED, "the chunks of the body hold too little")
TRAILERS = Refusal(problems.MALFORMED, "headers after the body are not supported")


def malformed(detail: str) -> Refusal:
    """Return a refusal of a head that is not well formed, or could be read in two ways."""
    return Refusal(problems.MALFORMED, detail)


def check_head(method: bytes, target: bytes, version: str, headers: Headers) -> Refusal | None:
    """Return why a head is refused, None if it is not; names of headers are in lower case."""
    if version not in VERSIONS:
        return malformed("only HTTP/1.1 and HTTP/1.0 are spoken here")
    if method not in METHODS:
        return Refusal(problems.METHOD_NOT_ALLOWED, "this method is not supported")
    if len(target) > URL_BYTES_MAX:
        return URL_TOO_LONG
    if not TARGET.fullmatch(target):
        return malformed("the target of a request is a path, and a query")
    return check_headers(version, headers)


def check_headers(version: str, headers: Headers) -> Refusal | None:
    """Return why the headers are refused: too many, no host, or a length with two readings."""
    size = 0
    hosts: list[bytes] = []
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    if len(headers) > HEADERS_MAX or size > HEADER_BYTES_MAX:
        return HEADERS_TOO_LARGE
    if any(CONTROL.search(value) for _, value in headers):
        return malformed("a header has a control character")
    return check_host(version, hosts) or check_length(version, lengths, codings)


def check_host(version: str, hosts: Sequence[bytes]) -> Refusal | None:
    """Return why a request's host is refused (RFC 9112, 3.2); HTTP/1.0 may have none."""
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return malformed("a request has one Host")
    if any(not HOST.fullmatch(host) for host in hosts):
        return malformed("the Host is not a host")
    return None


def check_length(
    version: str, lengths: Sequence[bytes], codings: Sequence[bytes]
) -> Refusal | None:
    """Return why the length of a body is refused: it has to be said once, in one way."""
    if lengths and codings:
        return malformed("Content-Length and Transfer-Encoding exclude each other")
    if len(lengths) > 1 or len(codings) > 1:
        return malformed("the length of the body is given twice")
    if any(not LENGTH.fullmatch(length) for length in lengths):
        return malformed("Content-Length is not a number")
    if codings and (version != "1.1" or codings[0].lower() != b"chunked"):
        return malformed("the only Transfer-Encoding is chunked")
    return None
