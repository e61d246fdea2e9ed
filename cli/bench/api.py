"""``bench api``: slate reads over loopback, to saturation and at half of it."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.progress import Progress

from cli.bench.cpu import at_rest
from cli.bench.events import START_AT_MS, title_name, user_name
from cli.bench.gateway import Gateway, fresh_gateway, load_catalogue
from cli.bench.kafka import BenchError, load_topic
from cli.bench.read_load import ReadOptions, ReadResult
from cli.bench.report import Reach, Report, percentile
from cli.demo.http_client import HttpClient
from schemas.codec import encode
from schemas.slate import Slate, SlateEntry
from topics.catalog import SLATES

CONNECTIONS = (1, 8, 32)
TITLES = 2000
ENTRIES = 20
P99_MS_MAX = 5.0
SEEDED_WAIT_S = 120.0
REST_WAIT_S = 300.0
LOAD_EXTRA_S = 60.0
WARMUP_S = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiOptions:
    """How much is measured."""

    slates: int
    seconds: float


async def run_api(options: ApiOptions, progress: Progress) -> Report:
    """Start a stack, seed slates through their topic, read them."""
    with fresh_gateway(1, progress) as gateway:
        await load_catalogue(gateway, TITLES)
        await seed_slates(gateway, options.slates, progress)
        await rest(gateway, progress)
        task = progress.add_task("reading", total=len(CONNECTIONS) + 2)
        base = ReadOptions(
            base_url=gateway.url, api_key=gateway.api_key, users=options.slates,
            connections=1, seconds=WARMUP_S,
        )  # fmt: skip
        await read(base)
        progress.advance(task)
        rows = []
        for connections in CONNECTIONS:
            result = await read(replaced(base, connections=connections, seconds=options.seconds))
            rows.append(row_of(f"closed loop, {connections} connections", result))
            progress.advance(task)
        saturation = max(row["requests_per_s"] for row in rows)
        half = replaced(base, seconds=options.seconds, rate=saturation / 2)
        rows.append(row_of("open loop, half of saturation", await read(half)))
        progress.advance(task)
    return api_report(options, rows, saturation)


async def seed_slates(gateway: Gateway, count: int, progress: Progress) -> None:
    """Write slates to their topic and wait until the last of each partition is served.

    Raises:
        BenchError: not served within ``SEEDED_WAIT_S`` seconds.
    """
    task = progress.add_task("slates seeded", total=count)
    await load_topic(
        gateway.cluster, (SLATES.name, SLATES.partitions), slate_records(count),
        lambda done: progress.advance(task, done),
    )  # fmt: skip
    progress.update(task, completed=count)
    deadline = time.monotonic() + SEEDED_WAIT_S
    async with HttpClient(gateway.url) as client:
        for number in range(max(0, count - 100), count):  # the last ones of every partition
            while not await is_served(client, gateway.api_key, number):
                if time.monotonic() > deadline:
                    raise BenchError(f"seeded slates not served after {SEEDED_WAIT_S:.0f} s")
                await asyncio.sleep(0.1)


async def rest(gateway: Gateway, progress: Progress) -> None:
    """Wait until the stack has worked off what it was given: reads alone are measured.

    Raises:
        BenchError: it still worked after ``REST_WAIT_S`` seconds.
    """
    task = progress.add_task("waiting until nothing else runs", total=None)
    # These encode and fit; the others are done when the last slate is served.
    fitting = {
        name: pid for name, pid in gateway.stack.pids.items() if name.startswith("worker-fit")
    }
    if not fitting:
        raise BenchError("the stack does not say which of its processes fit")
    if not await at_rest(fitting, REST_WAIT_S):
        raise BenchError(f"the stack was not at rest after {REST_WAIT_S:.0f} s")
    progress.remove_task(task)


async def is_served(client: HttpClient, api_key: str, number: int) -> bool:
    """Tell whether the slate of one user is read from its row."""
    response = await client.request(
        "GET", f"/api/v1/users/{user_name(number)}/recommendations",
        headers={"Authorization": f"Bearer {api_key}"},
    )  # fmt: skip
    if response.status != 200:
        raise BenchError(f"reading a slate: {response.status} {response.body[:300]!r}")
    return not response.json()["cold_start"]


def slate_records(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the slates of ``count`` users, ``ENTRIES`` titles each, as (key, value)."""
    for number in range(count):
        slate = Slate(
            user_id=user_name(number),
            entries=tuple(entry_of(number, place) for place in range(ENTRIES)),
            as_of_ms=START_AT_MS,
            newest_event_id=f"e-{number}",
            source_offset=number,
            generated_at_ms=START_AT_MS,
            model_version="cowatch-1",
        )
        yield slate.user_id.encode(), encode(slate)


def entry_of(user: int, place: int) -> SlateEntry:
    """Return one entry of a plausible slate."""
    title = (user * 31 + place * 97) % TITLES
    return SlateEntry(
        content_id=title_name(title),
        title=f"Bench Title {title}",
        score=round(1.0 - place / (ENTRIES + 1), 6),
        recommendation_type="collaborative",
        based_on=(title_name((title + 1) % TITLES),),
        explanation=f"Because you watched Bench Title {(title + 1) % TITLES}",
        generated_at_ms=START_AT_MS,
        ttl_s=3600,
        model_version="cowatch-1",
    )


def replaced(options: ReadOptions, **changes: Any) -> ReadOptions:
    """Return ``options`` with some fields changed."""
    return ReadOptions(**{**asdict(options), **changes})


async def read(options: ReadOptions) -> ReadResult:
    """Run the load generator in a process of its own.

    Raises:
        BenchError: it failed or a read did.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.bench.read_load",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(options.seconds + LOAD_EXTRA_S):
            output, errors = await process.communicate(json.dumps(asdict(options)).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise BenchError("the load generator did not end in time") from None
    if process.returncode != 0:
        raise BenchError(f"the load generator failed: {errors.decode()[-1000:]}")
    result = ReadResult(**json.loads(output))
    if result.failed:
        raise BenchError(
            f"{result.failed} of {len(result.latencies_ms)} reads were not answered 200"
        )
    return result


def row_of(what: str, result: ReadResult) -> dict[str, Any]:
    """Return rate and latencies of one measurement."""
    latencies = result.latencies_ms
    return {
        "what": what, "requests_per_s": round(len(latencies) / result.seconds, 1),
        "p50_ms": round(percentile(latencies, 0.5), 2),
        "p99_ms": round(percentile(latencies, 0.99), 2), "max_ms": round(max(latencies), 2),
        "body_bytes": result.bytes_read // len(latencies),
    }  # fmt: skip


def api_report(options: ApiOptions, rows: Sequence[Mapping[str, Any]], saturation: float) -> Report:
    """Turn the rows into a report."""
    half = rows[-1]
    return Report(
        bench="api",
        parameters={
            "slates": options.slates, "entries": ENTRIES, "seconds": options.seconds,
            "api_processes": 1,
        },
        fields={
            "saturation_per_s": saturation, "half_p99_ms": half["p99_ms"],
            "half_p50_ms": half["p50_ms"],
        },
        rows=rows,
        reaches=[
            Reach(name="p99 at half of saturation", value=half["p99_ms"], limit=P99_MS_MAX,
                  sense="at most", unit="ms"),
        ],
        notes=["the generator shares the cores with the servers; open loop counts from due time"],
    )  # fmt: skip
