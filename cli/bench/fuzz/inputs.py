"""Seed and number -> the bytes of one request. The same always, for the same OpenAPI document.

Most are HTTP that a server has to answer, on a connection that goes on; their paths, queries,
headers, credentials, signatures and bodies are what is odd. The others are not HTTP: they have a
connection each, and may be closed without an answer.
"""

import base64
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from cli.bench.fuzz.values import (
    LITERALS,
    NAMES,
    SEGMENTS,
    VALUES,
    a_value,
    any_text,
    changed,
)
from infra.security import keys
from infra.security.webhooks import sign

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SHARE_BROKEN = 0.1
LARGE_BYTES = 300_000
KNOWN = {
    "user": "user-1", "content_id": "film-1", "partner": "acme", "dead_letter_id": "17",
    "key_id": "0a1b2c3d",
}  # fmt: skip
JSON_TYPES = (
    "application/json", "application/json; charset=utf-8", "text/plain", "application/xml", "",
    "\xff", ";;;", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
)  # fmt: skip
DEAR = frozenset({"/metrics", "/openapi.json", "/readyz"})  # chosen seldom
BREAKS = (
    b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b"\r\n ", b"\x7f", b":", b"\xff", b"\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Host: y\r\n", b"HTTP/1.1",
    b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"Expect: x\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", b"Upgrade: websocket\r\n",
)  # fmt: skip
NOT_HTTP = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\r\n\r\n", b"*1\r\n$4\r\nPING\r\n", b"SSH-2.0-x\r\n", b"\0" * 100, b"\r\n" * 100,
    b"EHLO x\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API, as its document says it."""

    method: str
    path: str
    example: Any
    names: tuple[str, ...]


class Input(NamedTuple):
    """One request; one that is ``whole`` has to be answered."""

    number: int
    method: str
    sent: bytes
    whole: bool


class Inputs:
    """Makes requests of an API.

    Args:
        document: its OpenAPI document.
        seed: the same seed makes the same requests.
        now_s: the time of signatures, Unix seconds.
        credentials: values of Authorization to use besides invalid ones.
    """

    def __init__(
        self, document: Mapping[str, Any], seed: int, now_s: int, credentials: Sequence[str] = ()
    ) -> None:
        self._operations = operations_of(document)
        self._seed = seed
        self._now_s = now_s
        self._credentials = tuple(credentials)

    def make(self, number: int) -> Input:
        """Return a request."""
        dice = random.Random(f"{self._seed}-{number}")  # noqa: S311  # made again by its number
        if dice.random() >= SHARE_BROKEN:
            method, sent = self._whole(dice)
            return Input(number, method, sent, True)
        return Input(number, "?", self._broken(dice), False)

    def _whole(self, dice: random.Random) -> tuple[str, bytes]:
        operation = dice.choice(self._operations)
        if operation.path in DEAR and dice.random() < 0.9:
            operation = dice.choice(self._operations)
        method = operation.method if dice.random() < 0.85 else dice.choice(METHODS)
        body = a_body(dice, operation.example) if method != "GET" or dice.random() < 0.05 else b""
        target = path_of(dice, operation) + query_of(dice, operation)
        headers = [("Host", "x"), *self._headers(dice, body)]
        if body or method in ("POST", "PUT", "PATCH"):
            if dice.random() < 0.1:
                headers.append(("Transfer-Encoding", "chunked"))
                body = in_chunks(dice, body)
            else:
                headers.append(("Content-Length", str(len(body))))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return method, "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _headers(self, dice: random.Random, body: bytes) -> list[tuple[str, str]]:
        headers = []
        if dice.random() < 0.8:
            headers.append(("Authorization", self._authorization(dice)))
        if dice.random() < 0.9:
            known = dice.random() < 0.8
            headers.append(("Content-Type", JSON_TYPES[0] if known else dice.choice(JSON_TYPES)))
        if dice.random() < 0.3:
            headers += self._signature(dice, body)
        odd = (
            ("X-Forwarded-For", dice.choice(("1.1.1.1", "::1", "x" * 500, ",,,", "\xff"))),
            ("Origin", dice.choice(("null", "https://x", "\xff", "https://tv.example"))),
            ("Access-Control-Request-Method", dice.choice(("GET", "POST", "x"))),
            ("Content-Encoding", dice.choice(("gzip", "identity", "br", ""))),
            ("Cookie", "a=b; c" * 20), ("Range", "bytes=0-,-1"), ("If-None-Match", '*, "x"'),
            ("Accept", dice.choice(("*/*", "text/html", "\xff", "a/b;q=9"))),
            ("X-Request-Id", "x" * 200), ("X-HTTP-Method-Override", "DELETE"),
            ("Forwarded", "for=x"),
        )  # fmt: skip
        return headers + dice.sample(odd, dice.randrange(4))

    def _authorization(self, dice: random.Random) -> str:
        if self._credentials and dice.random() < 0.5:
            return dice.choice(self._credentials)
        letters = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40))
        return dice.choice(
            (
                f"Bearer {keys.KEY_PREFIX}{letters}", f"bearer {keys.KEY_PREFIX}{letters[:39]}",
                f"Bearer {a_token(dice)}", "Bearer", "Bearer \xff\xfe", "Basic YTpi", "x" * 5000,
                f"Bearer {keys.KEY_PREFIX}" + "\xe9" * 40, "Bearer ..", "Bearer " + "a." * 2000,
            )
        )  # fmt: skip

    def _signature(self, dice: random.Random, body: bytes) -> list[tuple[str, str]]:
        at_s = self._now_s + dice.choice((0, 0, 0, -301, 301, -(10**9)))
        webhook_id = dice.choice((f"m{dice.randrange(50)}", "", "a.b", "x" * 65, "\xe9"))
        signature = sign(dice.randbytes(32), webhook_id, at_s, body)
        signature = dice.choice(
            (signature, signature, "v1,", "v1", "v1,a,b", "v2,x", f"{signature}  {signature}",
             signature * 50, "v1,\xe9", "v1a," + "A" * 88, " ", signature[:-1])
        )  # fmt: skip
        stamp = dice.choice((str(at_s), str(at_s), "1e9", "-1", "9" * 300, "", "\xb2", "+1"))
        return [
            ("webhook-id", webhook_id), ("webhook-timestamp", stamp),
            ("webhook-signature", signature),
        ]  # fmt: skip

    def _broken(self, dice: random.Random) -> bytes:
        kind = dice.randrange(6)
        if kind == 0:
            return dice.choice(NOT_HTTP) + dice.randbytes(dice.randrange(20))
        if kind == 1:
            return dice.randbytes(dice.randrange(1, 400))
        sent = bytearray(self._whole(dice)[1])
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(min(len(sent), 600) or 1)
            if kind in (2, 3):
                sent[place:place] = dice.choice(BREAKS)
            elif kind == 4:
                sent[place:place] = dice.choice(BREAKS) * dice.choice((1, 2, 70, 3000))
            else:
                sent[place] = dice.randrange(256)
        return bytes(sent[: dice.randrange(1, len(sent))] if dice.random() < 0.2 else sent)


def operations_of(document: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Return the operations of an OpenAPI document, with the examples of their bodies."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            example = content.get("application/json", {}).get("example")
            names = tuple(
                item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"
            )
            found.append(Operation(method.upper(), path, example, names))
    return tuple(found)


def path_of(dice: random.Random, operation: Operation) -> str:
    """Return the path of an operation with its parameters filled in, sometimes damaged."""
    parts = []
    for part in operation.path.split("/"):
        if part.startswith("{"):
            known = KNOWN.get(part[1:-1], "x") if dice.random() < 0.5 else None
            odd = dice.choice(SEGMENTS) if dice.random() < 0.7 else any_text(dice)
            parts.append(known or odd)
        else:
            parts.append(part if dice.random() < 0.99 else any_text(dice))
    path = "/".join(parts)
    if dice.random() < 0.05:
        path += dice.choice(("/", "//", "/..", "/%2e%2e", "/.", "%2f", ";", "/" + "a" * 3000))
    return path


def query_of(dice: random.Random, operation: Operation) -> str:
    """Return a query, empty at times."""
    names = (*operation.names, *NAMES) if dice.random() < 0.3 else operation.names or NAMES
    pairs = [
        f"{dice.choice(names)}={dice.choice(VALUES) if dice.random() < 0.8 else any_text(dice)}"
        for _ in range(dice.randrange(4))
    ]
    return "?" + "&".join(pairs) if pairs else ""


def a_body(dice: random.Random, example: Any) -> bytes:
    """Return a body: an example changed, damaged or repeated; a value; no JSON at all."""
    kind = dice.randrange(10)
    if kind == 0:
        return dice.randbytes(dice.randrange(200))
    if kind == 1:
        return dice.choice(LITERALS)
    if kind == 2:
        return to_json(a_value(dice))
    if kind == 3 and dice.random() < 0.02:
        return b'"' + b"x" * LARGE_BYTES + b'"'
    document = changed(dice, example) if kind < 8 else example
    if kind == 9:
        document = [document] * dice.randrange(20)
    sent = bytearray(to_json(document))
    if kind == 4 and sent:
        sent[dice.randrange(len(sent))] = dice.randrange(256)
    return bytes(sent)


def to_json(document: Any) -> bytes:
    """Return JSON also of integers that orjson refuses to write."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return repr(document).replace("'", '"').encode("utf-8", "replace")


def in_chunks(dice: random.Random, body: bytes) -> bytes:
    """Return a body in chunks of random sizes."""
    pieces = []
    while body:
        size = dice.randrange(1, 1 + max(16, len(body)))
        piece, body = body[:size], body[size:]
        pieces.append(b"%x\r\n%b\r\n" % (len(piece), piece))
    return b"".join(pieces) + b"0\r\n\r\n"


def a_token(dice: random.Random) -> str:
    """Return what looks like a JSON web token."""
    header = {
        "alg": dice.choice(("none", "HS256", "RS256", "EdDSA", "")), "typ": "JWT",
        "kid": dice.choice(("../../x", "' OR 1=1", "a" * 100, "")), "jku": "http://127.0.0.1:1/x",
    }  # fmt: skip
    claims = {"sub": "user-1", "exp": dice.choice((0, 2**31, 2**63 - 1, "x", None)), "scope": "*"}
    parts = [orjson.dumps(header), orjson.dumps(claims), dice.randbytes(dice.randrange(65))]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
