"""One GET of a small document from an address that an operator configured.

https only, no redirects, no compression, one deadline for everything, and a limit of bytes. The
name is resolved once, every address it has is checked, and the connection goes to the address that
was checked: a second answer of the name server changes nothing. The certificate is checked for the
name.
"""

import asyncio
import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools

from infra.issuers.addresses import is_loopback, is_public
from infra.security.jwks import JWKS_BYTES_MAX

DEADLINE_S = 5.0
HEAD_BYTES_MAX = 16 * 1024
URL_LENGTH_MAX = 512
PORTS = {"https": 443, "http": 80}


class FetchError(ConnectionError):
    """The document could not be had; the message is one sentence for an operator."""


class Target(NamedTuple):
    """Where a URL points; ``target`` is the path with its query."""

    secure: bool
    host: str
    port: int
    target: str


def read_url(url: str) -> Target:
    """Return where ``url`` points.

    Raises:
        FetchError: not http(s), with a user name or a fragment, too long, or not plain ASCII.
    """
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise FetchError(f"a URL has at most {URL_LENGTH_MAX} plain characters")
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise FetchError("not a URL") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise FetchError("a URL of keys begins with https://")
    if "@" in parts.netloc or parts.fragment:
        raise FetchError("a URL of keys has neither a user name nor a fragment")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme == "https", parts.hostname, port, (parts.path or "/") + query)


async def fetch(url: str, *, private: bool = False) -> bytes:
    """Return the body at ``url``.

    Args:
        url: https; http only where the host is this machine and ``private`` is set.
        private: whether addresses that are not of the public internet may be asked.

    Raises:
        FetchError: it may not be asked, did not answer in time, or answered something else.
    """
    target = read_url(url)
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await _get(target, await _resolve(target, private=private))
    except TimeoutError:
        raise FetchError(f"{target.host} did not answer within {DEADLINE_S:g} s") from None
    except FetchError:
        raise
    except (OSError, httptools.HttpParserError, UnicodeError) as error:
        raise FetchError(f"{target.host}: {type(error).__name__}") from None


async def _resolve(target: Target, *, private: bool) -> str:
    """Return the address to connect to; every address of the name has to be allowed."""
    found = await asyncio.get_running_loop().getaddrinfo(
        target.host, target.port, type=socket.SOCK_STREAM
    )
    addresses = [str(item[4][0]) for item in found]
    if not private and not all(map(is_public, addresses)):
        raise FetchError(f"{target.host} has an address that is not public")
    if not target.secure and not all(map(is_loopback, addresses)):
        raise FetchError(f"{target.host} is not this machine: its URL begins with https://")
    return addresses[0]


async def _get(target: Target, address: str) -> bytes:
    reader, writer = await asyncio.open_connection(
        address, target.port,
        ssl=ssl.create_default_context() if target.secure else None,
        server_hostname=target.host if target.secure else None,
    )  # fmt: skip
    try:
        writer.write(request_of(target))
        return await _read_answer(reader, target.host)
    finally:
        writer.transport.abort()  # nothing is owed to a server that is slow to say goodbye


def request_of(target: Target) -> bytes:
    """Return the bytes of the request."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == PORTS["https" if target.secure else "http"]
    lines = (
        f"GET {target.target} HTTP/1.1",
        f"Host: {host}" if usual else f"Host: {host}:{target.port}",
        "User-Agent: media-gateway",  # some firewalls refuse a request without one
        "Accept: application/jwk-set+json, application/json",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


async def _read_answer(reader: asyncio.StreamReader, host: str) -> bytes:
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    size = 0
    while not answer.complete:
        chunk = await reader.read(16 * 1024)
        if not chunk:
            raise FetchError(f"{host}: the answer ended early")
        size += len(chunk)
        if size > HEAD_BYTES_MAX + JWKS_BYTES_MAX:
            raise FetchError(f"{host}: the answer is too large")
        parser.feed_data(chunk)
        if answer.begun and parser.get_status_code() != 200:
            raise FetchError(f"{host} answered {parser.get_status_code()}, not 200")
    if answer.encoded:
        raise FetchError(f"{host}: the answer is compressed")
    return b"".join(answer.body)


class _Answer:
    """What httptools calls while it parses; ``begun`` once the head is there."""

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.begun = self.complete = self.encoded = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-encoding" and value.strip().lower() != b"identity":
            self.encoded = True

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True
