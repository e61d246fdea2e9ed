"""The load of ``bench webhooks``: signed deliveries, closed loop, each with its own id."""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

import orjson

from cli.demo.http_client import HttpClient
from infra.security.webhook_keys import parse_secret
from infra.security.webhooks import sign


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookLoad:
    """What to send; ``prefix`` makes the webhook ids of a run its own."""

    base_url: str
    path: str
    secret: str
    prefix: str
    connections: int
    seconds: float


@dataclass(slots=True)
class WebhookResult:
    """What came of it. Latencies in milliseconds."""

    seconds: float = 0.0
    refused: list[str] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)


def a_body(number: int) -> bytes:
    """Return the envelope of one title, about 1.3 kB, as a catalogue sends it."""
    return orjson.dumps({
        "event_type": "content_added",
        "platform": "bench",
        "timestamp": "2026-01-01T00:00:00Z",
        "payload": {
            "id": f"bench-{number}", "type": "movie", "title": f"Bench Title {number}",
            "overview": f"Someone does something about it: {number}. " * 12,
            "release_year": 1950 + number % 75, "runtime_s": 5400 + number % 3600,
            "genres": ["Drama", "Thriller"], "language": "en", "countries": ["US", "GB"],
            "cast": [f"Actor {number % 997 + each}" for each in range(10)],
            "directors": [f"Director {number % 101}"], "maturity_rating": "PG-13",
            "external_ids": {"imdb": f"tt{number:07d}"},
            "availability": [{"region": region, "offer": "subscription"} for region in
                             ("US", "GB", "DE", "FR")],
        },
    })  # fmt: skip


class Sender:
    """Sends until the time is over."""

    def __init__(self, load: WebhookLoad, client: HttpClient) -> None:
        self._load = load
        self._client = client
        self._secret = parse_secret(load.secret)
        self._number = 0
        self.result = WebhookResult()

    async def run(self) -> WebhookResult:
        """Return when every answer is there."""
        begin_s = time.perf_counter()
        end_s = begin_s + self._load.seconds

        async def connection() -> None:
            while time.perf_counter() < end_s:
                await self._send()

        await asyncio.gather(*(connection() for _ in range(self._load.connections)))
        self.result.seconds = time.perf_counter() - begin_s
        return self.result

    async def _send(self) -> None:
        self._number += 1
        webhook_id, body, now_s = f"{self._load.prefix}-{self._number}", a_body(1), int(time.time())
        headers = {
            "Content-Type": "application/json", "webhook-id": webhook_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": sign(self._secret, webhook_id, now_s, body),
        }  # fmt: skip
        began_s = time.perf_counter()
        response = await self._client.request("POST", self._load.path, headers=headers, body=body)
        self.result.latencies_ms.append((time.perf_counter() - began_s) * 1000)
        if response.status != 202 and len(self.result.refused) < 5:
            self.result.refused.append(f"{response.status}: {response.body[:200]!r}")


async def main() -> None:
    """Read what to send from standard input, send it, write the result to standard output."""
    load = WebhookLoad(**json.load(sys.stdin))
    async with HttpClient(load.base_url) as client:
        result = await Sender(load, client).run()
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    asyncio.run(main())
