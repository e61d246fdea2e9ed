"""What one connection may do: time of a head, idleness, slow readers, numbers; on a real server.

Method: the settings make every time short and every number small. A test waits for the server to
close and never measures how long that took.
"""

import socket
from contextlib import ExitStack

import pytest

from tests.component.edge.requests import LAST, OK
from tests.support.raw_http import answers_of, read_to_end
from tests.support.served_fakes import PLENTY, serving
from tests.support.waiting import wait_until

PER_ADDRESS = 8
IN_ALL = 12
SHORT = {
    "MEDIA_GATEWAY_HTTP_HEAD_TIMEOUT_S": "0.5",
    "MEDIA_GATEWAY_HTTP_KEEP_ALIVE_S": "1",
    "MEDIA_GATEWAY_HTTP_READER_CHECK_S": "0.5",
    "MEDIA_GATEWAY_HTTP_CONNECTIONS_MAX": str(IN_ALL),
    "MEDIA_GATEWAY_HTTP_CONNECTIONS_PER_ADDRESS_MAX": str(PER_ADDRESS),
    "MEDIA_GATEWAY_HTTP_REQUESTS_PER_CONNECTION_MAX": "5",
    "MEDIA_GATEWAY_HSTS_S": "60",
    **PLENTY,
}
POST = b"POST /api/v1/progress HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("short"), **SHORT) as running:
        yield running


def exchange(served, sent):
    with served.connect() as connection:
        connection.sendall(sent)
        return answers_of(read_to_end(connection))


def from_address(served, address):
    return socket.create_connection(("127.0.0.1", served.port), 10, (address, 0))


def is_answered(connection):
    connection.sendall(OK)
    return connection.recv(65536)[:12] == b"HTTP/1.1 200"


def test_a_connection_without_a_request_is_closed_without_an_answer(served):
    assert exchange(served, b"") == []
    assert exchange(served, b"\r\n") == []


@pytest.mark.parametrize("part", [b"G", OK[:20], OK[:-2], OK[:-1]])
def test_a_head_that_does_not_end_gets_408(served, part):
    [answer] = exchange(served, part)
    assert answer.status == 408
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["strict-transport-security"] == "max-age=60; includeSubDomains"


def test_a_head_that_drips_gets_408_too(served):
    with served.connect() as connection:
        dripped = 0

        def refused():
            nonlocal dripped
            connection.setblocking(False)
            try:
                return connection.recv(65536)
            except BlockingIOError:
                connection.setblocking(True)
                connection.sendall(b"x")
                dripped += 1
                return b""

        connection.sendall(OK[:-4] + b"\r\nX: ")
        assert wait_until(refused, 30, "the head is refused").startswith(b"HTTP/1.1 408")
    assert dripped > 2


def test_the_next_head_has_its_time_as_well(served):
    first, second = exchange(served, OK + OK[:20])
    assert (first.status, second.status) == (200, 408)


def test_an_idle_connection_is_closed_after_its_answer(served):
    assert [item.status for item in exchange(served, OK)] == [200]


def test_the_last_request_of_a_connection_says_so(served):
    answers = exchange(served, OK * 7)
    assert [item.status for item in answers] == [200] * 5
    assert [item.headers.get("connection") for item in answers] == [None] * 4 + ["close"]


def test_an_answer_before_the_body_is_not_lost_and_ends_the_connection(served):
    body = b"x" * 400_000
    [answer] = exchange(served, POST + b"Content-Length: 400000\r\n\r\n" + body)
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    [answer] = exchange(served, POST + b"Content-Length: 400000\r\n\r\n" + b"x")
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_nobody_is_asked_for_a_body_that_is_refused(served):
    head = b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"
    [answer] = exchange(served, POST + head)
    assert answer.status == 401
    with served.connect() as connection:
        allowed = b"Authorization: " + served.authorization.encode() + b"\r\n"
        connection.sendall(POST + allowed + head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"0123456789")
        assert connection.recv(12) == b"HTTP/1.1 400"


def test_a_body_that_is_no_body_is_refused_while_it_is_waited_for(served):
    allowed = b"Authorization: " + served.authorization.encode() + b"\r\n"
    head = POST + allowed + b"Transfer-Encoding: chunked\r\n\r\n"
    with served.connect() as connection:
        connection.sendall(head + b"1\r\n[\r\n")
        connection.sendall(b"zz\r\n")
        assert [item.status for item in answers_of(read_to_end(connection))] == [400]
    [answer] = exchange(served, head + b"1;" + b"a" * 100_000)
    assert answer.status == 400


def test_connections_of_one_address_are_bounded_and_counted_down(served):
    with ExitStack() as stack:
        held = [stack.enter_context(served.connect()) for _ in range(PER_ADDRESS - 1)]
        held.append(stack.enter_context(served.connect()))
        assert is_answered(held[-1])
        [refused] = exchange(served, LAST)
        assert refused.status == 503
        assert refused.headers["connection"] == "close"
        assert int(refused.headers["retry-after"]) >= 1
        other = stack.enter_context(from_address(served, "127.0.0.2"))
        assert is_answered(other)
    wait_until(lambda: exchange(served, LAST)[0].status == 200, 10, "connections are free again")


def test_connections_of_all_addresses_are_bounded(served):
    with ExitStack() as stack:
        for address in ("127.0.0.3", "127.0.0.4"):
            for _ in range(IN_ALL // 2):
                held = stack.enter_context(from_address(served, address))
        assert is_answered(held)
        with from_address(served, "127.0.0.5") as connection:
            assert connection.recv(12) == b"HTTP/1.1 503"
    wait_until(lambda: exchange(served, LAST)[0].status == 200, 10, "connections are free again")


def test_a_client_that_does_not_read_is_cut_off(tmp_path_factory):
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    many = {**SHORT, "MEDIA_GATEWAY_HTTP_REQUESTS_PER_CONNECTION_MAX": "1000"}
    with (
        serving(tmp_path_factory.mktemp("reader"), **many) as running,
        socket.socket() as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", running.port))
        try:
            for _ in range(40):
                connection.sendall(request * 20)
        except (BrokenPipeError, ConnectionResetError):
            pass

        def cut_off():
            with running.connect() as probe:
                probe.sendall(LAST.replace(b"/healthz", b"/metrics"))
                metrics = read_to_end(probe)
            return b'mg_api_refused_connections_total{reason="slow_reader"} 1.0' in metrics

        wait_until(cut_off, 30, "the slow reader is cut off")
