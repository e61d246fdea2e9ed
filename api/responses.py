"""Bodies that are bytes already -> responses; members are added without parsing what is there."""

from typing import Any

import orjson
from starlette.responses import Response

JSON_TYPE = "application/json"


def json_response(body: bytes, status: int = 200) -> Response:
    """Return a JSON response. Answers are about one caller or one moment, so nobody stores them."""
    return Response(body, status, {"Cache-Control": "no-store"}, JSON_TYPE)


def with_member(body: bytes, name: str, value: Any) -> bytes:
    """Return the JSON object ``body`` (not empty, ending in its brace) with one member more.

    >>> with_member(b'{"a":1}', "b", {"c": True})
    b'{"a":1,"b":{"c":true}}'
    """
    return b"%b,%b:%b}" % (body[:-1], orjson.dumps(name), orjson.dumps(value))
