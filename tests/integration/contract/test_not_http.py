"""What is not HTTP gets a problem document from a live server, and the connection is closed."""

import json
import socket

import pytest

from api.problems import CONTENT_TYPE, MALFORMED

NOT_HTTP = {
    "no-token": b"G@T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "length-no-number": b"POST /api/v1/progress HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    "both-lengths": b"POST /api/v1/progress HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "long-url": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "garbage": b"\x16\x03\x01\x00\xa5\x01\x00\x00",
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
def test_it_is_answered_with_a_problem(shared_stack, sent):
    head, _, body = answer_to(shared_stack.up.port, sent).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "http/1.1 400 bad request"
    assert headers["content-type"] == CONTENT_TYPE
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    problem = json.loads(body)
    assert problem["type"] == MALFORMED.type
    assert problem["instance"].endswith(headers["x-request-id"])


def answer_to(port, sent):
    """Return all that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)
