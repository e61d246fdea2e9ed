"""webhook bodies, progress events -> [post] -> what the gateway accepted and what it refused.

Posts are idempotent (webhook id, event id), so a post whose answer was lost is simply repeated; 429
and 503 are obeyed: the gateway says in ``Retry-After`` how long to wait.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar
from zlib import crc32

import orjson

from cli.demo.http_client import HttpClient, Response
from infra.security import webhooks
from schemas.progress import PROGRESS_BATCH_MAX

T = TypeVar("T")
PATIENCE_S = 60.0  # one post is repeated for at most this long
RETRY_AFTER_DEFAULT_S = 1.0
RECONNECT_S = 0.2
REASONS_MAX = 5
WEBHOOKS_IN_FLIGHT = 64
LANES = 4  # batches of progress events in flight; a user's events stay in one lane
JSON_TYPE = "application/json"


class PostingError(RuntimeError):
    """The gateway did not take a post within ``PATIENCE_S``; the message says what it answered."""


@dataclass(slots=True)
class Tally:
    """What became of the posts; ``reasons`` keeps the first ``REASONS_MAX`` refusals."""

    accepted: int = 0
    refused: int = 0
    repeated: int = 0
    reasons: list[str] = field(default_factory=list)

    def refuse(self, reason: str) -> None:
        """Count one refusal."""
        self.refused += 1
        if len(self.reasons) < REASONS_MAX:
            self.reasons.append(reason)


@dataclass(frozen=True, slots=True)
class Partner:
    """A content partner as the demo knows it: its name and the key that it signs with."""

    name: str
    secret: bytes


async def post_patiently(
    client: HttpClient, path: str, body: bytes, make_headers: Callable[[], Mapping[str, str]],
    tally: Tally,
) -> Response:  # fmt: skip
    """Post ``body`` until the gateway gives a final answer (anything but 429 and 503).

    Raises:
        PostingError: no final answer within ``PATIENCE_S``.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            response = await client.request("POST", path, headers=make_headers(), body=body)
            problem, wait_s = f"{response.status}: {short(response.body)}", retry_after_s(response)
            if response.status not in {429, 503}:
                return response
        except (ConnectionError, TimeoutError) as error:
            problem, wait_s = str(error) or "no answer in time", RECONNECT_S
        if time.monotonic() + wait_s > deadline:
            raise PostingError(f"POST {path} failed for {PATIENCE_S:.0f} s, last: {problem}")
        tally.repeated += 1
        await asyncio.sleep(wait_s)


def retry_after_s(response: Response) -> float:
    """Return the seconds that ``Retry-After`` asks for."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else RETRY_AFTER_DEFAULT_S


def short(body: bytes) -> str:
    """Return the beginning of an answer for a message."""
    return body[:300].decode("utf-8", "replace")


async def run_bounded(
    jobs: Iterable[T], work: Callable[[T], Awaitable[None]], *, in_flight: int
) -> None:
    """Run ``work`` on every job, at most ``in_flight`` at a time; the first error stops all."""
    source = iter(jobs)

    async def lane() -> None:
        for job in source:
            await work(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(lane())
    except BaseExceptionGroup as group:
        raise first_of(group) from None


def first_of(group: BaseException) -> BaseException:
    """Return the first plain error in a possibly nested group."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


async def post_webhooks(
    client: HttpClient, partner: Partner, bodies: Iterable[tuple[str, bytes]],
    advance: Callable[[int], None],
) -> Tally:  # fmt: skip
    """Post signed webhooks; only the first acceptance is a content event, a repetition is harmless.

    Raises:
        PostingError: the gateway stopped taking posts.
    """
    tally = Tally()
    path = f"/api/v1/webhooks/{partner.name}"

    async def post(delivery: tuple[str, bytes]) -> None:
        webhook_id, body = delivery
        response = await post_patiently(
            client, path, body, lambda: signed_headers(partner.secret, webhook_id, body), tally
        )
        if response.status == 202:
            tally.accepted += 1
        else:
            tally.refuse(f"{webhook_id}: {response.status} {short(response.body)}")
        advance(1)

    await run_bounded(bodies, post, in_flight=WEBHOOKS_IN_FLIGHT)
    return tally


def signed_headers(secret: bytes, webhook_id: str, body: bytes) -> dict[str, str]:
    """Return the Standard Webhooks headers of one delivery, signed as of now."""
    now_s = int(time.time())
    return {
        "Content-Type": JSON_TYPE,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": webhooks.sign(secret, webhook_id, now_s, body),
    }


def batches(events: Iterable[dict[str, Any]]) -> Iterator[list[list[dict[str, Any]]]]:
    """Cut a timeline into rounds of up to ``LANES`` batches that may be posted side by side.

    Rounds follow one another in time; within a round all events of a user are in one batch, in
    order. So no user's events overtake each other, and all users advance together.
    """
    source = iter(events)
    while chunk := list(islice(source, LANES * PROGRESS_BATCH_MAX)):
        lanes: list[list[dict[str, Any]]] = [[] for _ in range(LANES)]
        for event in chunk:
            lanes[crc32(event["user_id"].encode()) % LANES].append(event)
        while any(lanes):
            yield [lane[:PROGRESS_BATCH_MAX] for lane in lanes if lane]
            lanes = [lane[PROGRESS_BATCH_MAX:] for lane in lanes]


async def post_progress(
    client: HttpClient, api_key: str, events: Sequence[dict[str, Any]],
    advance: Callable[[int], None],
) -> Tally:  # fmt: skip
    """Post progress events in time order, in batches.

    Raises:
        PostingError: the gateway stopped taking posts.
    """
    tally = Tally()

    async def post(batch: list[dict[str, Any]]) -> None:
        await post_batch(client, api_key, batch, tally)
        advance(len(batch))

    for round_ in batches(events):
        await run_bounded(round_, post, in_flight=LANES)
    return tally


async def post_batch(
    client: HttpClient, api_key: str, batch: list[dict[str, Any]], tally: Tally
) -> None:
    """Post one batch and count what the gateway said about each event."""
    response = await post_patiently(
        client, "/api/v1/progress", orjson.dumps(batch), lambda: app_headers(api_key), tally
    )
    if response.status >= 300:
        tally.refuse(f"batch of {len(batch)}: {response.status} {short(response.body)}")
        return
    for result in response.json()["results"]:
        if result["status"] == "accepted":
            tally.accepted += 1
        else:
            tally.refuse(f"{result['event_id']}: {result['error']}")


def app_headers(api_key: str) -> dict[str, str]:
    """Return the headers of a player app's call."""
    return {"Authorization": f"Bearer {api_key}", "Content-Type": JSON_TYPE}
