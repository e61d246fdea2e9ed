"""Request -> checked values: every size, count, depth and alphabet has a limit.

Errors: ``ProblemError`` with a status of the 4xx class, for any input whatever.
"""

import asyncio
import re
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request

from api.deadline import paused
from api.edge.bounds import BODY_PENDING
from api.identity.again import admit_again
from api.problems import (
    INVALID,
    MALFORMED,
    TOO_LARGE,
    TOO_SLOW,
    UNSUPPORTED_TYPE,
    ProblemError,
)
from api.services import services_of
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN
from schemas.times import from_rfc3339

QUERY_BYTES_MAX = 2048
BODY_DEADLINE_S = 10.0
DEPTH_MAX = 32
KEYS_MAX = 256
ARRAY_MAX = 1000
STRING_MAX = 16 * 1024  # the longest overview is 8,000 characters
INTEGER_MAX = 2**53  # beyond it JSON numbers differ between languages
DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
LONG_NUMBER = b"0" * 16  # 2^53 has 16 digits
LIMIT_PATTERN = re.compile(r"[0-9]{1,3}", re.ASCII)
TIME_PATTERN = re.compile(r".{1,40}")
REGION_PATTERN = re.compile(r"[A-Z]{2}", re.ASCII)
IDENTIFIER_PATTERN = re.compile(ID_PATTERN, re.ASCII)


class JsonLimits(NamedTuple):
    """Limits of one document."""

    array_max: int = ARRAY_MAX
    string_max: int = STRING_MAX


def require_json_type(request: Request) -> None:
    """Refuse what is not declared as plain JSON."""
    declared = header_of(request, b"content-type") or b""
    if declared.partition(b";")[0].strip().lower() != b"application/json":
        raise ProblemError(
            UNSUPPORTED_TYPE, "send application/json", headers={"Accept": "application/json"}
        )
    encoding = header_of(request, b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        raise ProblemError(UNSUPPORTED_TYPE, "compressed bodies are not supported")


def header_of(request: Request, name: bytes) -> bytes | None:
    """Return the first header of that name, which is in lower case as ASGI gives them.

    Starlette's view of the headers takes ten times as long, and every request asks for some.
    """
    for known, value in request.scope["headers"]:
        if known == name:
            found: bytes = value
            return found
    return None


def check_declared_size(request: Request, bytes_max: int) -> None:
    """Refuse by ``Content-Length`` before anything is read."""
    declared = header_of(request, b"content-length")
    if declared is None:
        return
    if not (declared.isdigit() and len(declared) <= 15):
        raise ProblemError(MALFORMED, "Content-Length is not a number")
    if int(declared) > bytes_max:
        raise ProblemError(TOO_LARGE, f"a body may have {bytes_max} bytes")


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Return the whole body, at most ``bytes_max`` bytes, within ``BODY_DEADLINE_S``.

    Its sender may still call, see ``api.identity.again``.
    """
    check_declared_size(request, bytes_max)
    pending = request.scope.get(BODY_PENDING)
    if pending is not None and not pending():
        return await _collect(request, bytes_max)  # it is here: there is nothing to wait for
    monotonic_s = services_of(request).monotonic_s
    began_s = monotonic_s()
    try:
        with paused(request):
            async with asyncio.timeout(BODY_DEADLINE_S):
                body = await _collect(request, bytes_max)
    except TimeoutError:
        raise ProblemError(TOO_SLOW, headers={"Connection": "close"}) from None
    await admit_again(request, monotonic_s() - began_s)
    return body


async def _collect(request: Request, bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(MALFORMED, "the body ended early")
        more = message.get("more_body", False)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise ProblemError(
                TOO_LARGE, f"a body may have {bytes_max} bytes", headers={"Connection": "close"}
            )
        chunks.append(chunk)
    return b"".join(chunks)


def parse_json(body: bytes, limits: JsonLimits = JsonLimits()) -> Any:  # noqa: B008 - immutable
    """Return the value of a JSON text (RFC 8259) that keeps the limits.

    orjson refuses NaN, invalid UTF-8 and lone surrogates by itself.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ProblemError(MALFORMED, "the body is not JSON") from None
    if not is_within(body, limits):
        check_json(value, limits)
    return value


def is_within(body: bytes, limits: JsonLimits) -> bool:
    """Whether a JSON text keeps the limits for certain, by counting characters.

    A short text with few brackets, colons and commas has no value that is too deep or too large;
    most are of that kind, and walking through the value takes ten times as long. False says
    nothing.
    """
    return (
        len(body) <= limits.string_max
        and body.count(b"{") + body.count(b"[") < DEPTH_MAX
        and body.count(b":") <= KEYS_MAX
        and body.count(b",") < limits.array_max
        and (b"\\" not in body or b"\\u0000" not in body)
        and LONG_NUMBER not in body.translate(DIGITS_AS_ZERO)  # ten times as fast as a pattern
    )


def check_json(value: Any, limits: JsonLimits) -> None:
    """Refuse depth, counts, lengths, NUL and numbers out of the limits. Linear, no recursion."""
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX):
        deeper: list[Any] = []
        for item in level:
            _check_one(item, limits, deeper)
        if not deeper:
            return
        level = deeper
    raise ProblemError(INVALID, f"nested deeper than {DEPTH_MAX}")


def _check_one(item: Any, limits: JsonLimits, deeper: list[Any]) -> None:
    kind = type(item)
    if kind is str:
        if len(item) > limits.string_max or "\0" in item:
            raise ProblemError(INVALID, f"a string is over {limits.string_max} long or has a NUL")
    elif kind is int:
        if not -INTEGER_MAX <= item <= INTEGER_MAX:
            raise ProblemError(INVALID, "an integer is beyond 2^53")
    elif kind is dict:
        if len(item) > KEYS_MAX:
            raise ProblemError(INVALID, f"an object has more than {KEYS_MAX} keys")
        deeper.extend(item)
        deeper.extend(item.values())
    elif kind is list:
        if len(item) > limits.array_max:
            raise ProblemError(TOO_LARGE, f"an array has more than {limits.array_max} elements")
        deeper.extend(item)


class Query:
    """Checked access to the query string; parameters nobody asks for are ignored."""

    def __init__(self, request: Request) -> None:
        if len(request.scope["query_string"]) > QUERY_BYTES_MAX:
            raise ProblemError(TOO_LARGE, f"a query may have {QUERY_BYTES_MAX} bytes")
        self._values = request.query_params

    def text(self, name: str, pattern: re.Pattern[str], expected: str) -> str | None:
        """Return a parameter that matches ``pattern`` as a whole, None when absent."""
        value = self._values.get(name)
        if value is not None and not pattern.fullmatch(value):
            raise ProblemError(INVALID, f"{name}: expected {expected}")
        return value

    def limit(self, *, default: int, maximum: int) -> int:
        """Return ``limit``, 1 to ``maximum``."""
        text = self.text("limit", LIMIT_PATTERN, f"a number from 1 to {maximum}")
        value = default if text is None else int(text)
        if not 1 <= value <= maximum:
            raise ProblemError(INVALID, f"limit: expected a number from 1 to {maximum}")
        return value

    def time(self, name: str) -> int | None:
        """Return a parameter that is a time (RFC 3339) as Unix milliseconds, None when absent."""
        text = self.text(name, TIME_PATTERN, "a time")
        if text is None:
            return None
        try:
            return from_rfc3339(text)
        except ValueError as error:
            raise ProblemError(INVALID, f"{name}: {error}") from None

    def region(self) -> str | None:
        """Return ``region``, an ISO 3166-1 alpha-2 code."""
        return self.text("region", REGION_PATTERN, "two capital letters")

    def identifier(self, name: str) -> str | None:
        """Return an identifier."""
        value = self._values.get(name)
        return None if value is None else check_identifier(name, value)


def check_identifier(name: str, value: str) -> str:
    """Return ``value`` if it is an identifier (see ``schemas.ids``)."""
    if len(value) > ID_LENGTH_MAX or not IDENTIFIER_PATTERN.fullmatch(value):
        raise ProblemError(INVALID, f"{name}: not a valid identifier")
    return value


def path_identifier(request: Request, name: str) -> str:
    """Return an identifier of the path."""
    return check_identifier(name, request.path_params[name])
