"""requests -> HTTP/1.1 over kept-alive connections -> responses: the demo's load client.

The demo shares two cores with the servers it fills, so its client must cost next to nothing per
request; this one only speaks what the gateway answers with (a status line, headers and a
``Content-Length``) and says so when it meets anything else. A connection has one request in flight.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

HEAD_BYTES_MAX = 64 * 1024
RESPONSE_TIMEOUT_S = 30.0


class HttpProtocolError(ConnectionError):
    """The peer answered with something that this client does not speak."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            orjson.JSONDecodeError: the body is not JSON.
        """
        return orjson.loads(self.body)


def parse_head(head: bytes) -> tuple[int, dict[str, str], int]:
    """Return status, headers and body length of a response head (without the empty line).

    Raises:
        HttpProtocolError: not HTTP/1.1, or a body without ``Content-Length``.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isdigit():
        raise HttpProtocolError(f"not an HTTP/1.1 answer: {first[:80]!r}")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "0" if status in {"204", "304"} else "")
    if not length.isdigit():
        raise HttpProtocolError(f"answer {status} has no Content-Length")
    return int(status), headers, int(length)


class Connection(asyncio.Protocol):
    """One kept-alive connection; ``closed`` once the peer or an error ended it."""

    def __init__(self) -> None:
        self.closed = False
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request in flight; the caller decides whether it may be repeated."""
        self._fail(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Collect bytes until one whole answer is there."""
        self._buffer += data
        try:
            response = self._take_response()
        except HttpProtocolError as error:
            self._fail(error)
            return
        if response is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(response)

    def _take_response(self) -> Response | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise HttpProtocolError(f"response head is larger than {HEAD_BYTES_MAX} bytes")
            return None
        status, headers, length = parse_head(bytes(self._buffer[:end]))
        start = end + 4
        if len(self._buffer) < start + length:
            return None
        body = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Response(status, headers, body)

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def close(self) -> None:
        """Close the connection; it is not used again."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    async def send(self, request: bytes) -> Response:
        """Send one whole request and return its answer.

        Raises:
            ConnectionError: the connection broke; it is unknown whether the request took effect.
            TimeoutError: no answer within ``RESPONSE_TIMEOUT_S``.
        """
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S):
                return await self._answer
        except (TimeoutError, asyncio.CancelledError):
            self.close()  # a late answer must never be taken for the next request's
            raise


class HttpClient:
    """Requests to one server; connections are opened as needed and kept.

    Args:
        base_url: ``http://host:port``; a path is put in front of every request's path.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{base_url!r} is not an http:// address")
        self._host, self._port = parts.hostname, parts.port or 80
        self._authority, self._prefix = parts.netloc, parts.path.rstrip("/")
        self._idle: list[Connection] = []

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """Send one request and return its answer, whatever its status.

        Raises:
            ConnectionError: as ``Connection.send``, or nobody listens there.
            TimeoutError: as ``Connection.send``.
        """
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        connection = await self._connect()
        response = await connection.send(head + body)
        if not connection.closed:
            self._idle.append(connection)
        return response

    async def _connect(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, self._host, self._port)
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for connection in self._idle:
            connection.close()
        self._idle.clear()
