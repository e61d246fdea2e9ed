"""The gateway's answers to an app, and waiting, within limits, until they say what is expected."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from cli.demo.http_client import HttpClient
from cli.demo.posting import app_headers, short

T = TypeVar("T")
POLL_FIRST_S, POLL_MAX_S = 0.005, 0.25


class QueryError(RuntimeError):
    """The gateway refused a query; the message has its answer."""


class NotReflectedError(RuntimeError):
    """Something posted did not become readable in time; the message says what was waited for."""


class App:
    """Reads the gateway as one app, with its API key."""

    def __init__(self, client: HttpClient, api_key: str) -> None:
        self._client = client
        self.api_key = api_key

    async def get(self, path: str, **params: Any) -> dict[str, Any] | None:
        """Return the body of ``GET path``, or None for 404. Parameters that are None are left out.

        Raises:
            QueryError: any other answer than 200.
        """
        query = urlencode({name: value for name, value in params.items() if value is not None})
        target = f"{path}?{query}" if query else path
        response = await self._client.request("GET", target, headers=app_headers(self.api_key))
        if response.status == 404:
            return None
        if response.status != 200:
            raise QueryError(f"GET {target} answered {response.status}: {short(response.body)}")
        body: dict[str, Any] = response.json()
        return body

    async def user(self, user_id: str, what: str, **params: Any) -> dict[str, Any]:
        """Return one of a user's lists: recommendations, continue-watching or history.

        Raises:
            QueryError: as ``get``; an unknown user is an answer, not an error.
        """
        path = f"/api/v1/users/{quote(user_id, safe=':')}/{what}"
        body = await self.get(path, **params)
        if body is None:
            raise QueryError(f"GET {path} answered 404")
        return body

    async def explain(self, user_id: str, content_id: str) -> dict[str, Any]:
        """Return why a title is, or is not, in a user's slate.

        Raises:
            QueryError: as ``get``, and for a title that is not in the catalogue.
        """
        return await self.user(user_id, f"explain/{quote(content_id, safe=':')}")

    async def similar(self, content_id: str, *, limit: int = 10) -> dict[str, Any]:
        """Return the co-watch neighbours of a title, best first, with the model's version.

        Raises:
            QueryError: as ``get``, and for a title that is not in the catalogue.
        """
        path = f"/api/v1/content/{quote(content_id, safe=':')}/similar"
        body = await self.get(path, by="cowatch", limit=limit)
        if body is None:
            raise QueryError(f"GET {path} answered 404")
        return body

    async def trending(self, *, limit: int = 10) -> list[dict[str, Any]]:
        """Return the trending titles, best first."""
        body = await self.get("/api/v1/trending", limit=limit)
        entries: list[dict[str, Any]] = body["entries"] if body else []
        return entries


async def until(what: str, look: Callable[[], Awaitable[T | None]], *, timeout_s: float) -> T:
    """Look again and again until ``look`` returns something true, and return that.

    Raises:
        NotReflectedError: it did not within ``timeout_s``.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = POLL_FIRST_S
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise NotReflectedError(f"waited {timeout_s:.0f} s in vain until {what}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.2, POLL_MAX_S)


def is_included(body: dict[str, Any]) -> bool:
    """Whether the event that the caller named is reflected in this answer."""
    return bool((body.get("after_event") or {}).get("included"))
