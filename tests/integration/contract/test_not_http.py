"""What is not HTTP gets a problem document from a live server, and the connection is closed."""

import json
import socket

import pytest

from api.problems import CONTENT_TYPE, HEADERS_TOO_LARGE, MALFORMED, URL_TOO_LONG

NOT_HTTP = {
    "no-token": (b"G@T /healthz HTTP/1.1\r\nHost: x\r\n\r\n", MALFORMED),
    "length-no-number": (
        b"POST /api/v1/progress HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", MALFORMED,
    ),
    "both-lengths": (
        b"POST /api/v1/progress HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", MALFORMED,
    ),
    "long-url": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", URL_TOO_LONG),
    "large-headers": (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 70 + b"\r\n", HEADERS_TOO_LARGE,
    ),
    "garbage": (b"\x16\x03\x01\x00\xa5\x01\x00\x00", MALFORMED),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "kind"), NOT_HTTP.values(), ids=NOT_HTTP)
def test_it_is_answered_with_a_problem(shared_stack, sent, kind):
    head, _, body = answer_to(shared_stack.up.port, sent).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0].startswith(f"http/1.1 {kind.status} ")
    assert headers["content-type"] == CONTENT_TYPE
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    problem = json.loads(body)
    assert problem["type"] == kind.type
    assert problem["instance"].endswith(headers["x-request-id"])


def answer_to(port, sent):
    """Return all that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)
