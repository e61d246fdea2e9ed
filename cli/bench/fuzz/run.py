"""``bench fuzz``: start a server or take a given one, send, ask it for its own count of errors."""

import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from rich.progress import Progress

from cli.bench.fuzz.inputs import Inputs
from cli.bench.fuzz.sending import CLOSED, Failure, Fuzzer, Tally
from cli.bench.gateway import fresh_gateway
from cli.bench.kafka import BenchError
from cli.bench.report import Report
from cli.demo.http_client import HttpClient

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHOWN_BYTES = 4000
SERVER_ERRORS = re.compile(r'^mg_api_requests_total\{[^}]*status="(5\d\d)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class FuzzOptions:
    """How much is sent, from which seed and number on, and where to."""

    requests: int
    seconds: float
    seed: int
    first: int
    url: str


async def run_fuzz(options: FuzzOptions, progress: Progress) -> Report:
    """Send the requests; return what came back.

    Raises:
        BenchError: a request failed; the message says how to send it again.
    """
    if options.url:
        return await fuzz(options, options.url, "", progress)
    with fresh_gateway(1, progress) as gateway:
        return await fuzz(options, gateway.url, gateway.api_key, progress)


async def fuzz(options: FuzzOptions, url: str, api_key: str, progress: Progress) -> Report:
    """Send the requests to a server of this machine; see ``run_fuzz``."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK or parts.port is None:
        raise BenchError(f"{url} is not a server of this machine, with a port")
    task = progress.add_task("requests", total=options.requests)
    async with HttpClient(url) as client:
        document = (await client.request("GET", "/openapi.json")).json()
        before = server_errors((await client.request("GET", "/metrics")).body.decode())
    credentials = [f"Bearer {api_key}"] if api_key else []
    inputs = Inputs(document, options.seed, int(time.time()), credentials)
    fuzzer = Fuzzer(inputs, (parts.hostname, parts.port))
    began, used = time.monotonic(), time.process_time()
    tally = await fuzzer.run(
        options.first, options.requests, options.seconds,
        lambda count: progress.advance(task, count),
    )  # fmt: skip
    took_s, own_s = time.monotonic() - began, time.process_time() - used
    async with HttpClient(url) as client:
        after = server_errors((await client.request("GET", "/metrics")).body.decode())
    judge(tally, after - before, options.seed)
    return report_of(options, tally, took_s, own_s)


def server_errors(page: str) -> float:
    """Return how many answers of 500 and above a server has counted itself, 503 aside."""
    return sum(float(count) for status, count in SERVER_ERRORS.findall(page) if status != "503")


def judge(tally: Tally, counted: float, seed: int) -> None:
    """Raise when a request failed, as its sender or the server itself saw it.

    Raises:
        BenchError: with the inputs, and how to send each again.
    """
    if tally.failures:
        raise BenchError("\n".join(described(failure, seed) for failure in tally.failures))
    if counted:
        raise BenchError(f"the server counted {counted:g} answers of 500 that nobody waited for")


def described(failure: Failure, seed: int) -> str:
    """Return what a person needs to see a failure again."""
    again = f"media-gateway bench fuzz --seed {seed} --first {failure.number} --requests 1"
    return f"{failure.reason}: {failure.sent[:SHOWN_BYTES]!r}\n  again: {again}"


def report_of(options: FuzzOptions, tally: Tally, took_s: float, own_s: float) -> Report:
    """Return the counts by status."""
    rows = [
        {"status": "closed" if status == CLOSED else str(status), "requests": count}
        for status, count in sorted(tally.statuses.items())
    ]
    return Report(
        bench="fuzz",
        parameters={"seed": options.seed, "first": options.first},
        fields={
            "requests": tally.requests,
            "seconds": round(took_s, 1),
            "requests_per_s": round(tally.requests / took_s),
            "failures": 0,
        },
        rows=rows,
        notes=[
            f"{tally.requests:,} requests in {took_s:.0f} s ({tally.requests / took_s:,.0f}/s), "
            "none of 500 and above, none without an answer",
            f"sending used {own_s:.0f} s of processor time",
        ],
    )
