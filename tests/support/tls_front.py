"""TLS in front of a server that has none: the servers that tests start are built without it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.certificates import Pair

SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # of Postgres: begins in plain text, then TLS
CHUNK = 64 * 1024


@asynccontextmanager
async def tls_front(port: int, pair: Pair, *, postgres: bool = False) -> AsyncIterator[int]:
    """Yield the port of a TLS server that hands everything on to a port of 127.0.0.1.

    Args:
        port: where the server without TLS listens.
        pair: the certificate that is shown.
        postgres: TLS begins when the client asks for it, as in Postgres' protocol.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if postgres:
                assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
                writer.write(b"S")
                await writer.start_tls(context)
            behind, to_behind = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copy(reader, to_behind), copy(behind, writer))
        except (OSError, EOFError):  # the client did not like the certificate
            writer.close()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=None if postgres else context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
