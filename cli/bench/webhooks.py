"""``bench webhooks``: what the checks of a webhook cost, against an endpoint without any."""

import asyncio
import base64
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from cli.actor import cli_actor
from cli.bench import webhook_server
from cli.bench.broker import environment_of_broker
from cli.bench.kafka import BenchError
from cli.bench.processes import Cores, WorkerProcess, pin
from cli.bench.report import Reach, Report, percentile
from cli.bench.webhook_load import WebhookLoad, WebhookResult, a_body
from cli.demo.http_client import HttpClient
from domain.partner_limits import DELIVERIES_PER_S_MAX
from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.process import free_port
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import cluster_of
from infra.postgres.migrate import migrate
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerStore
from infra.postgres.pool import create_pool
from infra.security.sealing import Sealer
from infra.security.webhook_keys import create_secret, format_secret
from infra.settings import Settings
from infra.wall_clock import now_ms

PARTNER = "bench"
CHECKED, SIGNED = "webhook endpoint", "signature, parse, produce"
UNCHECKED, BARE = "without checks", "framework and Kafka alone"
PATHS = {
    CHECKED: f"/api/v1/webhooks/{PARTNER}",
    SIGNED: webhook_server.SIGNED.format(partner=PARTNER),
    UNCHECKED: webhook_server.UNCHECKED,
    BARE: webhook_server.BARE,
}
RATIO_MIN = 0.7
READY_WAIT_S = 60.0
LOAD_EXTRA_S = 60.0
WARMUP_S = 2.0
HEAP_MB = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhooksOptions:
    """How much is measured."""

    connections: int
    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Target:
    """The server that is measured."""

    url: str
    secret: str
    server: WorkerProcess


@dataclass(frozen=True, slots=True)
class Measured:
    """One endpoint in one round; ``cpu_us`` is what the server used for a request."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


async def run_webhooks(options: WebhooksOptions, progress: Progress) -> Report:
    """Start Kafka, Postgres and the server; measure the endpoints in turn, again and again."""
    found: dict[str, list[Measured]] = {name: [] for name in PATHS}
    task = progress.add_task("starting", total=None)
    async with started() as target:
        progress.update(task, description="measuring", total=len(PATHS) * (options.rounds + 1))
        for name in PATHS:
            await measure(target, name, f"w{len(name)}", options.connections, WARMUP_S)
            progress.advance(task)
        for number in range(options.rounds):
            # Whichever is first meets another neighbour on the machine: they take turns.
            for name in sorted(PATHS, reverse=bool(number % 2)):
                result = await measure(
                    target, name, f"r{number}", options.connections, options.seconds
                )
                found[name].append(result)
                progress.advance(task)
    return webhooks_report(options, found)


@asynccontextmanager
async def started() -> AsyncIterator[Target]:
    """Yield the server on fresh services; the server has a core of its own where there are two."""
    cores = Cores.of_this_machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-webhooks-")))
        kafka = EmbeddedKafka(folder / "kafka", heap_mb=HEAP_MB)
        stack.callback(kafka.stop)
        postgres = EmbeddedPostgres(folder / "postgres")
        stack.callback(postgres.stop)
        bootstrap, url = await asyncio.to_thread(lambda: (kafka.start(), postgres.start()))
        if cores is not None:
            pin(kafka.pid, cores.broker)
            pin(postgres.pid, cores.broker)  # also its later children, one a connection
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        settings = Settings(kafka_bootstrap_servers=bootstrap, database_url=url, secrets_key=key)
        secret = await prepare(settings)
        port = free_port()
        environ = {**environment_of_broker(cluster_of(settings)), "DATABASE_URL": url}
        environ |= {"MEDIA_GATEWAY_SECRETS_KEY": key, "MEDIA_GATEWAY_LOG_LEVEL": "WARNING"}
        server = WorkerProcess(
            ["-m", "cli.bench.webhook_server", str(port)], environ, folder / "server.log",
            cores.worker if cores else None,
        )  # fmt: skip
        stack.callback(server.stop)
        target = Target(f"http://127.0.0.1:{port}", secret, server)
        await ready(target)
        yield target


async def prepare(settings: Settings) -> str:
    """Make tables, topics and the partner; return its secret."""
    await asyncio.to_thread(migrate, settings.database_url)
    await apply_topics(cluster_of(settings), replication_factor=1)
    secret = create_secret()
    async with create_pool(settings) as pool:
        store = PartnerStore(pool, Sealer(settings.secrets_key), now_ms)
        await store.create(
            cli_actor(),
            NewPartner(PARTNER, "generic", deliveries_per_s=DELIVERIES_PER_S_MAX),
            [Key(SECRET, secret)],
        )
    return format_secret(secret)


async def ready(target: Target) -> None:
    """Wait until the server answers that it is ready.

    Raises:
        BenchError: it ended, or was not ready in time.
    """
    deadline = time.monotonic() + READY_WAIT_S
    async with HttpClient(target.url) as client:
        while True:
            target.server.require_alive()
            try:
                if (await client.request("GET", "/readyz")).status == 200:
                    return
            except ConnectionError:
                pass
            if time.monotonic() > deadline:
                raise BenchError(f"the server was not ready after {READY_WAIT_S:.0f} s")
            await asyncio.sleep(0.1)


async def measure(
    target: Target, name: str, prefix: str, connections: int, seconds: float
) -> Measured:
    """Load one endpoint for a while; the generator is a process of its own."""
    load = WebhookLoad(
        base_url=target.url, path=PATHS[name], secret=target.secret, prefix=prefix,
        connections=connections, seconds=seconds,
    )  # fmt: skip
    before_s = target.server.cpu_s()
    result = await send(load)
    cpu_s = target.server.cpu_s() - before_s
    latencies = result.latencies_ms
    return Measured(
        per_s=len(latencies) / result.seconds,
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        cpu_us=cpu_s * 1e6 / len(latencies),
    )


async def send(load: WebhookLoad) -> WebhookResult:
    """Run the load generator.

    Raises:
        BenchError: it failed, or something was not answered 202.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.bench.webhook_load",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    cores = Cores.of_this_machine()
    if cores is not None:
        pin(process.pid, cores.broker)
    try:
        async with asyncio.timeout(load.seconds + LOAD_EXTRA_S):
            output, errors = await process.communicate(json.dumps(asdict(load)).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise BenchError("the load generator did not end in time") from None
    if process.returncode != 0:
        raise BenchError(f"the load generator failed: {errors.decode()[-1000:]}")
    result = WebhookResult(**json.loads(output))
    if result.refused:
        raise BenchError(f"not everything was taken: {result.refused}")
    return result


def webhooks_report(options: WebhooksOptions, found: Mapping[str, Sequence[Measured]]) -> Report:
    """Turn the rounds into a report: medians, and the median of the ratios of neighbours."""
    whole, signed = ratios(found, CHECKED), ratios(found, SIGNED)
    return Report(
        bench="webhooks",
        parameters={
            "connections": options.connections, "rounds": options.rounds,
            "seconds": options.seconds, "body_bytes": len(a_body(1)),
        },
        fields={"whole": whole, "signed": signed},
        rows=[row_of(name, rounds) for name, rounds in found.items()],
        reaches=[
            Reach(name=f"requests per second of {name}, of those without checks",
                  value=found_ratios["requests_per_s"], limit=RATIO_MIN, sense="at least")
            for name, found_ratios in ((SIGNED, signed), (CHECKED, whole))
        ],
        notes=[
            "medians of the rounds; the ratio is the median of ratios of neighbouring rounds",
            "without checks: deadline, limits of the body and produce, as every endpoint has them",
            "the webhook endpoint also counts its callers by four quotas, and keeps its ids in "
            "Postgres, twice per delivery, in groups",
        ],
    )  # fmt: skip


def ratios(found: Mapping[str, Sequence[Measured]], name: str) -> dict[str, float]:
    """Return how an endpoint compares with the one without checks; above 1 is more of it."""
    pairs = list(zip(found[name], found[UNCHECKED], strict=True))
    return {
        "requests_per_s": round(statistics.median(a.per_s / b.per_s for a, b in pairs), 3),
        "server_cpu": round(statistics.median(a.cpu_us / b.cpu_us for a, b in pairs), 3),
        "p99": round(statistics.median(a.p99_ms / b.p99_ms for a, b in pairs), 3),
    }


def row_of(name: str, rounds: Sequence[Measured]) -> dict[str, Any]:
    """Return the medians of one endpoint."""
    return {
        "what": name,
        "requests_per_s": round(statistics.median(each.per_s for each in rounds), 1),
        "p50_ms": round(statistics.median(each.p50_ms for each in rounds), 2),
        "p99_ms": round(statistics.median(each.p99_ms for each in rounds), 2),
        "server_cpu_us": round(statistics.median(each.cpu_us for each in rounds), 1),
    }
