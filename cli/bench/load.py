"""The load generator of ``bench freshness``: a process of its own, open loop.

Requests are due at fixed times, whatever earlier ones are doing, so a stall of the gateway is seen
by every request that was due during it (no coordinated omission). A sample of the viewers who begin
a title is probed: their slate is read before, the event is posted with its batch, and the slate is
read again until it includes the event and is another one than before. Times are exact to the pause
between two reads, 5 ms or 5 % of the time waited so far: polling that does not slow down would keep
a gateway that is behind from catching up, and measure itself.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice

import orjson

from cli.bench.events import HEARTBEAT_S, Population, progress_events
from cli.demo.http_client import HttpClient
from schemas.codec import encode
from schemas.progress import ProgressEvent

AHEAD_S = 0.3  # a probed slate is read this long before its event is due
VIEWERS_PER_RATE = 2 * HEARTBEAT_S  # half of them watch and report every heartbeat
PROBE_WAIT_S = 10.0
POLL_SHARE = 0.05  # of the time waited so far: late slates are not asked for without a pause
IN_FLIGHT_MAX = 2000
PROGRESS_EVERY = 50
GATEWAY_FIELDS = frozenset({"preset", "accepted_at_ms"})  # set by the gateway, not by players


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadOptions:
    """What to send: ``rate`` events per second in requests of ``batch``, ``probes`` per second."""

    base_url: str
    api_key: str
    rate: float
    batch: int
    warmup_s: float
    seconds: float
    probes: float
    probe_poll_ms: float
    viewers: int
    watching: int
    titles: int


@dataclass(slots=True)
class LoadResult:
    """What happened. Latencies in milliseconds, of the measured part only; counts of everything.

    ``begun`` are the measured events that begin a title.
    """

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    failed: int = 0
    begun: int = 0
    reasons: list[str] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    answer_from_due_ms: list[float] = field(default_factory=list)
    fresh_ms: list[float] = field(default_factory=list)
    fresh_from_due_ms: list[float] = field(default_factory=list)
    probes_timed_out: int = 0
    late_start_ms_max: float = 0.0
    measured_s: float = 0.0

    def refuse(self, reason: str) -> None:
        """Keep the first few reasons."""
        if len(self.reasons) < 5:
            self.reasons.append(reason)


@dataclass(frozen=True, slots=True)
class Request:
    """One post: when it is due, its events, and the one whose slate is probed."""

    number: int
    due_s: float
    measured: bool
    events: Sequence[ProgressEvent]
    probe: ProgressEvent | None


class LoadGenerator:
    """Sends requests when they are due and collects what came of them."""

    def __init__(self, options: LoadOptions, client: HttpClient) -> None:
        self._options = options
        self._client = client
        self.result = LoadResult()
        self._tasks: set[asyncio.Task[None]] = set()
        self._headers = {
            "Authorization": f"Bearer {options.api_key}",
            "Content-Type": "application/json",
        }

    async def run(self) -> LoadResult:
        """Send everything and wait for every answer and probe."""
        begin_s = time.perf_counter() + 2 * AHEAD_S
        for request in requests_of(self._options, begin_s):
            await asyncio.sleep(max(0.0, request.due_s - AHEAD_S - time.perf_counter()))
            if len(self._tasks) >= IN_FLIGHT_MAX:
                raise RuntimeError(f"{IN_FLIGHT_MAX} requests wait: the gateway does not keep up")
            task = asyncio.create_task(self._carry_out(request))
            self._tasks.add(task)
            task.add_done_callback(self._finished)
            if request.number % PROGRESS_EVERY == 0:  # what the bench reads for its progress bar
                print(self.result.sent, file=sys.stderr, flush=True)
        while self._tasks:
            await asyncio.wait(self._tasks)
        self.result.measured_s = self._options.seconds
        return self.result

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.result.failed += 1
            self.result.refuse(repr(task.exception()))

    async def _carry_out(self, request: Request) -> None:
        before = await self._slate(request.probe, None) if request.probe else None
        await asyncio.sleep(max(0.0, request.due_s - time.perf_counter()))
        sent_s = time.perf_counter()
        body = orjson.dumps([as_report(event) for event in request.events])
        self.result.sent += len(request.events)
        response = await self._client.request(
            "POST", "/api/v1/progress", headers=self._headers, body=body
        )
        answered_s = time.perf_counter()
        accepted = self._count(response.status, response.body, request.events)
        if request.measured:
            self._note_answer(request.due_s, sent_s, answered_s)
            self.result.begun += sum(map(begins, request.events))
        if request.probe is not None and request.probe.event_id in accepted:
            await self._probe(request, before, answered_s)

    def _note_answer(self, due_s: float, sent_s: float, answered_s: float) -> None:
        result = self.result
        result.answer_ms.append((answered_s - sent_s) * 1000)
        result.answer_from_due_ms.append((answered_s - due_s) * 1000)
        result.late_start_ms_max = max(result.late_start_ms_max, (sent_s - due_s) * 1000)

    def _count(self, status: int, body: bytes, events: Sequence[ProgressEvent]) -> set[str]:
        if status != 202:
            self.result.refused += len(events)
            self.result.refuse(f"{status}: {body[:200].decode(errors='replace')}")
            return set()
        results = orjson.loads(body)["results"]
        accepted = {item["event_id"] for item in results if item["status"] == "accepted"}
        self.result.accepted += len(accepted)
        self.result.refused += len(results) - len(accepted)
        for item in results:
            if item["status"] != "accepted":
                self.result.refuse(str(item))
        return accepted

    async def _probe(self, request: Request, before: object, answered_s: float) -> None:
        """Read the slate until it includes the probed event and is not the one from before."""
        assert request.probe is not None
        deadline_s = answered_s + PROBE_WAIT_S
        while True:
            after = await self._slate(request.probe, request.probe.event_id)
            seen_s = time.perf_counter()
            if after is not None and after != before:
                break
            if seen_s > deadline_s:
                self.result.probes_timed_out += 1
                return
            pause_s = POLL_SHARE * (seen_s - answered_s)
            await asyncio.sleep(max(pause_s, self._options.probe_poll_ms / 1000))
        if request.measured:
            self.result.fresh_ms.append((seen_s - answered_s) * 1000)
            self.result.fresh_from_due_ms.append((seen_s - request.due_s) * 1000)

    async def _slate(self, event: ProgressEvent, after: str | None) -> object:
        """Return what identifies the viewer's slate; None while ``after`` is not included."""
        query = f"?after_event={after}" if after else ""
        response = await self._client.request(
            "GET", f"/api/v1/users/{event.user_id}/recommendations{query}", headers=self._headers
        )
        if response.status != 200:
            self.result.refuse(f"GET slate {response.status}: {response.body[:200]!r}")
            return None
        answer = orjson.loads(response.body)
        if after is not None and not answer["after_event"]["included"]:
            return None
        return answer["cold_start"], answer["generated_at_ms"], answer["as_of"]


def requests_of(options: LoadOptions, begin_s: float) -> Iterator[Request]:
    """Yield the requests in order of their due times."""
    population = Population(
        viewers=options.viewers, watching=options.watching, titles=options.titles,
        event_prefix="f", start_at_ms=int(time.time() * 1000),
    )  # fmt: skip
    events = progress_events(population)
    count = int((options.warmup_s + options.seconds) * options.rate / options.batch)
    probe_due_s = begin_s
    begun: set[tuple[str, str]] = set()  # a title that is begun again changes nobody's slate
    for number in range(count):
        after_s = number * options.batch / options.rate
        due_s = begin_s + after_s
        batch = list(islice(events, options.batch))
        first = [
            event for event in batch
            if begins(event) and (event.user_id, event.content_id) not in begun
        ]  # fmt: skip
        begun.update((event.user_id, event.content_id) for event in batch)
        probe = first[0] if first and options.probes and due_s >= probe_due_s else None
        if probe is not None:
            probe_due_s = due_s + 1 / options.probes
        yield Request(number, due_s, after_s >= options.warmup_s, batch, probe)


def begins(event: ProgressEvent) -> bool:
    """Whether the event begins a title."""
    return event.played_from_s == 0.0


def as_report(event: ProgressEvent) -> dict[str, object]:
    """Return the body that a player app posts for ``event``."""
    fields = orjson.loads(encode(event))
    return {name: value for name, value in fields.items() if name not in GATEWAY_FIELDS}


async def main() -> None:
    """Read the options from standard input, run, write the result to standard output as JSON."""
    options = LoadOptions(**json.load(sys.stdin))
    async with HttpClient(options.base_url) as client:
        result = await LoadGenerator(options, client).run()
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    asyncio.run(main())
