"""Headers of answers, as data: which answers have them, and what is in them.

A header that more answers get later (say, how many requests are left) is one more row of
``HEADERS``; the document and the check of every answer in the component tests follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.contract.bounds import bounded
from api.problems import UNAVAILABLE, Kind

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A header of all answers with a status that ``applies`` to; the kinds are its problems."""

    name: str
    description: str
    schema: Json
    applies: Callable[[int, tuple[Kind, ...]], bool]
    example: str | int
    always: bool = True


def _text(pattern: str, length_max: int) -> Json:
    return {"type": "string", "pattern": pattern, "maxLength": length_max}


HEADERS: tuple[Header, ...] = (
    Header(
        name="X-Request-Id",
        description="Names this request in the logs; also at the end of a problem's `instance`.",
        schema=_text("^[0-9a-f]{32}$", 32),
        applies=lambda status, kinds: True,
        example="8f14e45fceea4670a2b6d8d1c0a0f3a1",
    ),
    Header(
        name="Cache-Control",
        description="Answers are about one caller and one moment.",
        schema={"type": "string", "const": "no-store"},
        applies=lambda status, kinds: True,
        example="no-store",
    ),
    Header(
        name="WWW-Authenticate",
        description="How to authenticate (RFC 9110, 11.6.1).",
        schema=_text('^[A-Za-z]+ realm="media-gateway"$', 80),
        applies=lambda status, kinds: status == 401,
        example='Bearer realm="media-gateway"',
    ),
    Header(
        name="Accept",
        description="The type of content to send (RFC 9110, 15.5.16).",
        schema={"type": "string", "const": "application/json"},
        applies=lambda status, kinds: status == 415,
        example="application/json",
        always=False,
    ),
    Header(
        name="Retry-After",
        description="Seconds to wait before the next try.",
        schema={"type": "integer", "minimum": 1, "maximum": 86_400},
        applies=lambda status, kinds: UNAVAILABLE in kinds,
        example=2,
        always=False,
    ),
)


def headers_of(status: int, kinds: tuple[Kind, ...]) -> Json:
    """Return ``headers`` of the response with a status and the problems it may carry."""
    return {
        header.name: {
            "description": header.description,
            "required": header.always,
            "schema": bounded(header.schema),
            "example": header.example,
        }
        for header in HEADERS
        if header.applies(status, kinds)
    }
