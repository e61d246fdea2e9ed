"""The client against a real server on loopback that answers in awkward ways."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from cli.demo.http_client import HttpClient, HttpProtocolError, parse_head


@asynccontextmanager
async def a_server(answer):
    """Serve ``answer(reader, writer)`` per connection; yield the address."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def read_request(reader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(
        (int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("Content-Le")), 0
    )
    return head, await reader.readexactly(length)


async def test_answers_in_pieces_are_joined_and_the_connection_is_kept():
    connections = 0

    async def answer(reader, writer):
        nonlocal connections
        connections += 1
        for _ in range(2):
            head, body = await read_request(reader)
            assert head.startswith("POST /prefix/x HTTP/1.1\r\nHost: 127.0.0.1:")
            assert "Kind: test\r\n" in head
            raw = b"HTTP/1.1 202 Accepted\r\nContent-LENGTH: %d\r\nA: b: c\r\n\r\n" % len(body)
            for byte in raw + body:
                writer.write(bytes([byte]))
                await writer.drain()
        writer.close()

    async with a_server(answer) as url, HttpClient(url + "/prefix") as client:
        for body in (b'{"a":1}', b'{"a":22}'):
            response = await client.request("POST", "/x", headers={"Kind": "test"}, body=body)
            assert (response.status, response.body) == (202, body)
            assert response.headers["a"] == "b: c"
    assert connections == 1


async def test_a_dropped_connection_is_an_error_and_the_next_request_opens_another():
    connections = 0

    async def answer(reader, writer):
        nonlocal connections
        connections += 1
        await read_request(reader)
        if connections > 1:
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with a_server(answer) as url, HttpClient(url) as client:
        with pytest.raises(ConnectionError):
            await client.request("GET", "/")
        assert (await client.request("GET", "/")).status == 204


async def test_connection_close_is_obeyed():
    connections = 0

    async def answer(reader, writer):
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with a_server(answer) as url, HttpClient(url) as client:
        for _ in range(2):
            assert (await client.request("GET", "/")).status == 200
    assert connections == 2


async def test_requests_side_by_side_get_their_own_answers():
    async def answer(reader, writer):
        head, _ = await read_request(reader)
        body = head.split(" ")[1].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with a_server(answer) as url, HttpClient(url) as client:
        paths = [f"/{number}" for number in range(20)]
        answers = await asyncio.gather(*(client.request("GET", path) for path in paths))
        assert [response.body.decode() for response in answers] == paths


@pytest.mark.parametrize(
    "head",
    [b"SSH-2.0-x", b"HTTP/1.1 abc", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nContent-Length: -1"],
)
def test_what_is_not_understood_is_said(head):
    with pytest.raises(HttpProtocolError):
        parse_head(head)


@pytest.mark.parametrize("url", ["https://127.0.0.1", "127.0.0.1:8080", "http://"])
def test_only_http_addresses_are_taken(url):
    with pytest.raises(ValueError, match="not an http"):
        HttpClient(url)
