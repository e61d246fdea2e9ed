"""Requests that two servers in a row could read differently, or that are no requests at all.

Ideas: RFC 9112 section 11, RFC 9110, HTTP request smuggling as published by J. Kettle (2019, 2022)
and the payloads of HTTP Garden. Each row is what is sent on one connection, and which statuses may
come back, or none: the connection may be closed without an answer. What follows a good request may
arrive after its answer, and then has one of its own.
"""

from typing import NamedTuple

OK = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST /api/v1/progress HTTP/1.1\r\nHost: x\r\n"
REFUSED = (400,)


class Row(NamedTuple):
    """One connection."""

    name: str
    sent: bytes
    statuses: tuple[int, ...] = REFUSED
    answers_max: int = 1


def smuggled(head: bytes, body: bytes) -> bytes:
    """Return a post with a length in two readings, followed by the request that it hides."""
    return POST + head + b"\r\n" + body + OK


def get(*lines: bytes, target: bytes = b"/healthz", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join([b"GET " + target + b" " + version, *lines, b"", b""])


CHUNK = b"0\r\n\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
HOST = b"Host: x"

LENGTHS = (
    Row("CL and TE", smuggled(b"Content-Length: 5\r\n" + TE, CHUNK)),
    Row("TE and CL", smuggled(TE + b"Content-Length: 5\r\n", CHUNK)),
    Row("two different CL", smuggled(b"Content-Length: 0\r\nContent-Length: 5\r\n", b"")),
    Row("two equal CL", smuggled(b"Content-Length: 0\r\nContent-Length: 0\r\n", b"")),
    Row("a list in CL", smuggled(b"Content-Length: 0, 0\r\n", b"")),
    Row("CL with a plus", smuggled(b"Content-Length: +0\r\n", b"")),
    Row("CL with a minus", smuggled(b"Content-Length: -1\r\n", b"")),
    Row("CL in hexadecimal", smuggled(b"Content-Length: 0x0\r\n", b"")),
    Row("CL with a space inside", smuggled(b"Content-Length: 0 0\r\n", b"")),
    Row("CL without a value", smuggled(b"Content-Length:\r\n", b"")),
    Row("CL beyond 64 bits", smuggled(b"Content-Length: 18446744073709551616\r\n", b"")),
    Row("CL of 16 digits", smuggled(b"Content-Length: 0000000000000000\r\n", b"")),
    Row("space before the colon of CL", smuggled(b"Content-Length : 0\r\n", b"")),
    Row("underscore in CL is no CL", smuggled(b"Content_Length: 5\r\n", b""), (401, 200), 3),
)
CODINGS = (
    Row("space before the colon of TE", smuggled(b"Transfer-Encoding : chunked\r\n", CHUNK)),
    Row("TE xchunked", smuggled(b"Transfer-Encoding: xchunked\r\n", CHUNK)),
    Row("TE identity", smuggled(b"Transfer-Encoding: identity\r\n", b"")),
    Row("TE chunked, identity", smuggled(b"Transfer-Encoding: chunked, identity\r\n", CHUNK)),
    Row("TE identity, chunked", smuggled(b"Transfer-Encoding: identity, chunked\r\n", CHUNK)),
    Row("TE gzip, chunked", smuggled(b"Transfer-Encoding: gzip, chunked\r\n", CHUNK)),
    Row("TE twice", smuggled(TE + TE, CHUNK)),
    Row("TE twice, one unknown", smuggled(TE + b"Transfer-Encoding: cow\r\n", CHUNK)),
    Row("TE in quotes", smuggled(b'Transfer-Encoding: "chunked"\r\n', CHUNK)),
    Row("TE with a vertical tab", smuggled(b"Transfer-Encoding: \x0bchunked\r\n", CHUNK)),
    Row("TE with a NUL", smuggled(b"Transfer-Encoding: chunked\x00\r\n", CHUNK)),
    Row("TE in a folded line", smuggled(b"Transfer-Encoding:\r\n chunked\r\n", CHUNK)),
    Row("TE behind a bare LF", smuggled(b"X: y\nTransfer-Encoding: chunked\r\n", CHUNK)),
    Row("TE behind a bare CR", smuggled(b"X: y\rTransfer-Encoding: chunked\r\n", CHUNK)),
    Row("TE in HTTP/1.0", b"POST /healthz HTTP/1.0\r\n" + TE + b"\r\n" + CHUNK + OK),
    Row("TE and CL in a GET", get(HOST, b"Content-Length: 3", TE[:-2]) + b"abc" + OK),
)
CHUNKS = (
    Row("chunk size with 0x", smuggled(TE, b"0x0\r\n\r\n")),
    Row("chunk size with a plus", smuggled(TE, b"+0\r\n\r\n")),
    Row("chunk size negative", smuggled(TE, b"-1\r\n\r\n")),
    Row("chunk size of 17 digits", smuggled(TE, b"10000000000000000\r\n\r\n")),
    Row("chunk size missing", smuggled(TE, b"\r\n\r\n")),
    Row("chunk ended by LF", smuggled(TE, b"1\na\n0\n\n")),
    Row("chunk longer than it says", smuggled(TE, b"1\r\nab\r\n0\r\n\r\n")),
    Row("chunk size with a space", smuggled(TE, b"1 \r\na\r\n0\r\n\r\n")),
    Row("bare LF in an extension", smuggled(TE, b"1;a\nb\r\nc\r\n0\r\n\r\n")),
    Row("NUL in an extension", smuggled(TE, b"1;\x00\r\nc\r\n0\r\n\r\n")),
    Row("trailer", smuggled(TE, b"0\r\nAuthorization: Bearer x\r\n\r\n"), (400, 401)),
    Row("trailer that is a length", smuggled(TE, b"0\r\nContent-Length: 50\r\n\r\n")),
    Row("extension without end", smuggled(TE, b"1;" + b"a" * 60_000), (400, 401)),
)
HOSTS = (
    Row("no Host", get()),
    Row("two Hosts", get(HOST, b"Host: y")),
    Row("two equal Hosts", get(HOST, HOST)),
    Row("empty Host", get(b"Host:")),
    Row("Host with a path", get(b"Host: x/y")),
    Row("Host with a user", get(b"Host: a@b")),
    Row("Host with a space", get(b"Host: a b")),
    Row("Host with two ports", get(b"Host: a:1:2")),
    Row("two Hosts in HTTP/1.0", get(HOST, b"Host: y", version=b"HTTP/1.0")),
)
TARGETS = (
    Row("absolute form", get(HOST, target=b"http://x/healthz")),
    Row("absolute form of another host", get(HOST, target=b"http://internal/healthz")),
    Row("asterisk", get(HOST, target=b"*")),
    Row("asterisk of OPTIONS", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
    Row("authority form", get(HOST, target=b"x:80")),
    Row("no leading slash", get(HOST, target=b"healthz")),
    Row("fragment", get(HOST, target=b"/healthz#x")),
    Row("space in the target", get(HOST, target=b"/healthz x")),
    Row("tab in the target", get(HOST, target=b"/healthz\tx")),
    Row("NUL in the target", get(HOST, target=b"/health\x00z")),
    Row("Latin-1 in the target", get(HOST, target=b"/health\xe9")),
    Row("long target", get(HOST, target=b"/" + b"a" * 5000), (414,)),
    Row("target without end", b"GET /" + b"a" * 200_000, (414,)),
    Row("two slashes", get(HOST, b"Connection: close", target=b"//healthz"), (404,)),
)
LINES = (
    Row("HTTP/0.9", b"GET /healthz\r\n\r\n"),
    Row("HTTP/0.9 said aloud", get(HOST, version=b"HTTP/0.9")),
    Row("HTTP/1.2", get(HOST, version=b"HTTP/1.2")),
    Row("HTTP/2.0", get(HOST, version=b"HTTP/2.0")),
    Row("http in lower case", get(HOST, version=b"http/1.1")),
    Row("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + OK),
    Row("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + OK),
    Row("bare LF after the request line", b"GET /healthz HTTP/1.1\nHost: x\r\n\r\n"),
    Row("bare LF after a header", b"GET /healthz HTTP/1.1\r\nHost: x\n\r\n"),
    Row("bare LF everywhere", b"GET /healthz HTTP/1.1\nHost: x\n\n"),
    Row("bare CR as the end", b"GET /healthz HTTP/1.1\rHost: x\r\r"),
    Row("two spaces", LAST.replace(b" /", b"  /"), (200, 400)),
    Row("space at the start", b" GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    Row("no method", b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
)
HEADERS = (
    Row("folded line", get(HOST, b"X: a", b" b")),
    Row("space before the first header", get(b" X: a", HOST)),
    Row("no colon", get(HOST, b"X")),
    Row("empty name", get(HOST, b": x")),
    Row("space in a name", get(HOST, b"X Y: z")),
    Row("space before a colon", get(HOST, b"X : z")),
    Row("NUL in a name", get(HOST, b"X\x00: z")),
    Row("NUL in a value", get(HOST, b"X: a\x00b")),
    Row("bell in a value", get(HOST, b"X: a\x07b")),
    Row("delete in a value", get(HOST, b"X: a\x7fb")),
    Row("bare CR in a value", get(HOST, b"X: a\rb")),
    Row("65 headers", get(HOST, *[b"X: a"] * 64), (431,)),
    Row("17 KiB of headers", get(HOST, b"X: " + b"a" * 17_000), (431,)),
    Row("a header without end", OK[:-2] + b"X: " + b"a" * 500_000, (431,)),
    Row("a name without end", b"GET /healthz HTTP/1.1\r\n" + b"a" * 500_000, (431,)),
)  # fmt: skip
METHODS = (
    Row("TRACE", b"TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", (405,)),
    Row("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405)),
    Row("CONNECT and a request", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + OK, (400, 405)),
    Row("unknown method", b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    Row("method of WebDAV", b"PROPFIND /healthz HTTP/1.1\r\nHost: x\r\n\r\n", (405,)),
    Row("get in lower case", b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
)
PIPELINES = (
    Row("garbage after a request", OK + b"\x00\x01garbage", (200, 400), 2),
    Row("two Hosts after a request", OK + get(HOST, HOST), (200, 400), 2),
    Row("a request after garbage", b"garbage\r\n\r\n" + OK),
    Row("a request after two Hosts", get(HOST, HOST) + OK),
    Row(
        "CL and TE after a request",
        OK + smuggled(b"Content-Length: 5\r\n" + TE, CHUNK),
        (200, 400),
        2,
    ),
    Row("a request after the last one", LAST + OK, (200,)),
    Row("a bad chunk after a request", OK + smuggled(TE, b"zz\r\n"), (200, 400, 401), 2),
    Row("upgrade to HTTP/2", get(HOST, b"Connection: Upgrade", b"Upgrade: h2c") + OK, (200,)),
    Row("three requests", OK + OK + LAST, (200,), 3),
    Row("more than may wait", OK * 100, (200,), 33),
)
ROWS = (
    *LENGTHS, *CODINGS, *CHUNKS, *HOSTS, *TARGETS, *LINES, *HEADERS, *METHODS, *PIPELINES,
)  # fmt: skip
