"""A real HTTP server of one process that answers with what a test says, and counts."""

import asyncio
from contextlib import asynccontextmanager


class DocumentServer:
    """``body`` is served with a length; ``raw`` replaces the whole answer; ``hang`` gives none."""

    def __init__(self):
        self.body = b"{}"
        self.raw = None
        self.hang = False
        self.requests = []
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def answer(self, reader, writer):
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if self.hang:
                await reader.read()
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.body)
            writer.write(head + self.body if self.raw is None else self.raw)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had enough
        finally:
            writer.close()


@asynccontextmanager
async def document_server(ssl=None):
    served = DocumentServer()
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0, ssl=ssl)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
