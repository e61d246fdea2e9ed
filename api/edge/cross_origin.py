"""Which pages of other origins may read the query API (the CORS protocol of the Fetch standard).

Closed by default. An origin is allowed by its exact text, only to read (GET), with a key that the
page adds itself: cookies are never accepted, so there are no credentials to allow. A preflight has
no credentials and needs none.
"""

import re

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.settings import SettingsError

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
PREFIX = "/api/v1/"
ALLOWED_HEADERS = b"authorization"
EXPOSED_HEADERS = b"ratelimit, ratelimit-policy, retry-after, x-request-id"
PREFLIGHT_AGE_S = b"600"


def parse_origins(text: str) -> frozenset[bytes]:
    """Return the origins of a comma-separated list.

    Raises:
        SettingsError: one is not an origin as browsers write it: scheme, host, port, nothing else.
    """
    origins = [part.strip() for part in text.split(",") if part.strip()]
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"MEDIA_GATEWAY_CORS_ORIGINS: {origin!r} is no origin such as https://tv.example"
            )
    return frozenset(origin.encode() for origin in origins)


class CrossOrigin:
    """ASGI middleware: answers preflights, and adds to answers which origin may read them."""

    def __init__(self, app: ASGIApp, origins: frozenset[bytes]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "").encode("latin-1")
        asked = headers.get("access-control-request-method")
        allowed = origin in self._origins
        if scope["method"] == "OPTIONS" and asked == "GET" and allowed:
            await Response(None, 204, self._preflight(origin))(scope, receive, send)
            return

        async def send_and_allow(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"vary", b"Origin"))
                if allowed and scope["method"] in ("GET", "HEAD"):
                    message["headers"] += [
                        (b"access-control-allow-origin", origin),
                        (b"access-control-expose-headers", EXPOSED_HEADERS),
                    ]
            await send(message)

        await self._app(scope, receive, send_and_allow)

    def _preflight(self, origin: bytes) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": origin.decode(),
            "Access-Control-Allow-Methods": "GET",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS.decode(),
            "Access-Control-Max-Age": PREFLIGHT_AGE_S.decode(),
            "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        }
