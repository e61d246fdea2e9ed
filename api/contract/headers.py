"""Headers of answers, as data: which answers have them, and what is in them.

A header that more answers get later is one more row of ``HEADERS``; the document and the check of
every answer in the component tests follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.contract.bounds import bounded
from api.endpoint import NO_STORE
from api.problems import QUOTA_EXCEEDED, TOO_MANY_AT_ONCE, UNAVAILABLE, Kind

Json = dict[str, Any]

WITH_RETRY_AFTER = frozenset({UNAVAILABLE, QUOTA_EXCEEDED, TOO_MANY_AT_ONCE})


@dataclass(frozen=True, slots=True)
class Case:
    """What decides on headers: a status, the problems that may have it, whether calls count."""

    status: int
    kinds: tuple[Kind, ...]
    limited: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A header of all answers that ``applies`` to; not ``always``: some of them."""

    name: str
    description: str
    schema: Json
    applies: Callable[[Case], bool]
    example: str | int
    always: bool = True


def _text(pattern: str, length_max: int) -> Json:
    return {"type": "string", "pattern": pattern, "maxLength": length_max}


CACHE_CONTROL = "Cache-Control"
_POLICY = '"[a-z-]+";q=[0-9]+;w=[0-9]+'
_LEFT = '"[a-z-]+";r=[0-9]+;t=[0-9]+'
HEADERS: tuple[Header, ...] = (
    Header(
        name="X-Request-Id",
        description="Names this request in the logs; also at the end of a problem's `instance`.",
        schema=_text("^[0-9a-f]{32}$", 32),
        applies=lambda case: True,
        example="8f14e45fceea4670a2b6d8d1c0a0f3a1",
    ),
    Header(
        name=CACHE_CONTROL,
        description="Answers are about one caller and one moment, but where it says otherwise.",
        schema={"type": "string", "const": NO_STORE},
        applies=lambda case: True,
        example=NO_STORE,
    ),
    Header(
        name="X-Content-Type-Options",
        description="No browser may take an answer for anything but what its type says.",
        schema={"type": "string", "const": "nosniff"},
        applies=lambda case: True,
        example="nosniff",
    ),
    Header(
        name="Access-Control-Allow-Origin",
        description="Only to pages of an origin that the gateway is set to; never `*`.",
        schema=_text("^https?://[!-~]+$", 300),
        applies=lambda case: True,
        example="https://player.example.com",
        always=False,
    ),
    Header(
        name="WWW-Authenticate",
        description="How to authenticate (RFC 9110, 11.6.1).",
        schema=_text('^[A-Za-z]+ realm="media-gateway"$', 80),
        applies=lambda case: case.status == 401,
        example='Bearer realm="media-gateway"',
    ),
    Header(
        name="Accept",
        description="The type of content to send (RFC 9110, 15.5.16).",
        schema={"type": "string", "const": "application/json"},
        applies=lambda case: case.status == 415,
        example="application/json",
        always=False,
    ),
    Header(
        name="Retry-After",
        description="Seconds to wait before the next try.",
        schema={"type": "integer", "minimum": 1, "maximum": 86_400},
        applies=lambda case: not WITH_RETRY_AFTER.isdisjoint(case.kinds),
        example=2,
        always=False,
    ),
    Header(
        name="RateLimit-Policy",
        description="The caller's quotas: q calls in w seconds each.",
        schema=_text(f"^{_POLICY}(, {_POLICY})*$", 200),
        applies=lambda case: case.limited,
        example='"burst";q=20;w=1, "sustained";q=100;w=10',
        always=False,
    ),
    Header(
        name="RateLimit",
        description="Calls that are left, and seconds until there are more; on every answer to a "
        "request that was counted.",
        schema=_text(f"^{_LEFT}(, {_LEFT})*$", 200),
        applies=lambda case: case.limited,
        example='"burst";r=0;t=1',
        always=False,
    ),
)


def headers_of(case: Case, cache_control: str = NO_STORE) -> Json:
    """Return ``headers`` of the response in a case."""
    found = {
        header.name: {
            "description": header.description,
            "required": header.always,
            "schema": bounded(header.schema),
            "example": header.example,
        }
        for header in HEADERS
        if header.applies(case)
    }
    schema = {"type": "string", "const": cache_control}
    found[CACHE_CONTROL] |= {"schema": schema, "example": cache_control}
    return found
