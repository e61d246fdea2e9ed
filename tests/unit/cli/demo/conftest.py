"""A gateway made of an asyncio server: it records posts and answers what a test tells it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
import pytest


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], object]


@dataclass
class FakeGateway:
    answer: Callable[[Request], Answer] = lambda request: (202, {}, {})
    requests: list[Request] = field(default_factory=list)
    in_flight: int = 0
    in_flight_max: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self.serve_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve_one(self, reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        request = Request(method, path, headers, body)
        self.requests.append(request)
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight, self.in_flight_max)
        await asyncio.sleep(0)
        status, extra, value = self.answer(request)
        self.in_flight -= 1
        payload = orjson.dumps(value)
        names = "".join(f"{name}: {text}\r\n" for name, text in extra.items())
        answer = f"HTTP/1.1 {status} X\r\n{names}Content-Length: {len(payload)}\r\n\r\n"
        writer.write(answer.encode() + payload)
        await writer.drain()


@pytest.fixture
async def gateway():
    fake = FakeGateway()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield fake
    server.close()
