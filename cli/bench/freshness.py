"""``bench freshness``: from an event's 202 to the changed slate, on the whole stack over HTTP."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from aiokafka.admin import AIOKafkaAdminClient
from rich.progress import Progress, TaskID

from cli.bench.cpu import cores_in_use
from cli.bench.gateway import Gateway, fresh_gateway, load_catalogue, worker_counts
from cli.bench.kafka import BenchError, committed_offsets
from cli.bench.load import LoadOptions, LoadResult
from cli.bench.report import Reach, Report, percentile
from infra.kafka.admin import open_admin
from infra.replay.snapshot import Bounds, open_snapshots
from topics.catalog import PROGRESS
from topics.spec import application_id

AGENT = "watch-states"
P50_MS_MAX = 100.0
P99_MS_MAX = 300.0
SETTLE_WAIT_S = 60.0
LOAD_EXTRA_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounting:
    """Where the accepted events are. ``lost``: accepted, but not in the topic."""

    accepted: int
    in_topic: int
    lost: int
    twice_in_topic: int
    dead_lettered_in_topic: int
    applied: int
    deduplicated: int
    dead_lettered: int

    @property
    def balanced(self) -> bool:
        """Whether every accepted event is in the topic and was decided upon by the worker."""
        decided = self.applied + self.deduplicated + self.dead_lettered
        return self.lost == 0 and decided == self.in_topic


async def run_freshness(load: LoadOptions, workers: int, progress: Progress) -> Report:
    """Start a stack, load it, probe it, account for every event."""
    with fresh_gateway(workers, progress) as gateway:
        await load_catalogue(gateway, load.titles)
        load = replace(load, base_url=gateway.url, api_key=gateway.api_key)
        result, cores = await generate_load(load, gateway.stack.pids, progress)
        accounting = await account(gateway, result)
    return freshness_report(load, workers, result, accounting, cores)


async def generate_load(
    load: LoadOptions, pids: Mapping[str, int], progress: Progress
) -> tuple[LoadResult, dict[str, float]]:
    """Run the load generator in a process of its own.

    Returns:
        Its result, and the cores that it and the processes of the stack used while it measured.

    Raises:
        BenchError: it failed, or took far longer than planned.
    """
    total = int((load.warmup_s + load.seconds) * load.rate)
    task = progress.add_task(f"events at {load.rate:,.0f}/s", total=total)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.bench.load",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, limit=2**26,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    assert process.stderr
    pids = {**pids, "load generator": process.pid}
    process.stdin.write(json.dumps(asdict(load)).encode())
    process.stdin.close()
    try:
        async with asyncio.timeout(load.warmup_s + load.seconds + LOAD_EXTRA_S):
            output, errors, cores = await asyncio.gather(
                process.stdout.read(),
                follow(process.stderr, progress, task),
                cores_in_use(pids, load.warmup_s, load.seconds),
            )
            status = await process.wait()
    except TimeoutError:
        raise BenchError("the load generator did not end in time") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if status != 0:
        raise BenchError(f"the load generator failed: {' '.join(errors[-20:])}")
    return LoadResult(**json.loads(output)), cores


async def follow(lines: asyncio.StreamReader, progress: Progress, task: TaskID) -> list[str]:
    """Show the generator's count of sent events; return what else it said."""
    other = []
    async for raw in lines:
        line = raw.decode(errors="replace").strip()
        if line.isdigit():
            progress.update(task, completed=int(line))
        else:
            other.append(line)
    return other


async def account(gateway: Gateway, result: LoadResult) -> Accounting:
    """Wait until the worker has committed everything, then find every event."""
    async with open_snapshots(gateway.cluster) as snapshots:
        bounds = await snapshots.bounds(PROGRESS.name, PROGRESS.partitions)
        async with open_admin(gateway.cluster) as admin:
            await await_settled(admin, bounds)
        seen: list[str] = []
        for partition in bounds.ends:
            async for batch in snapshots.records(bounds, partition):
                seen += [orjson.loads(record.value)["event_id"] for record in batch]
        dead = await snapshots.bounds(PROGRESS.dead_letter_name, PROGRESS.partitions)
    counts = worker_counts(gateway, AGENT)
    return Accounting(
        accepted=result.accepted, in_topic=len(seen), lost=max(0, result.accepted - len(set(seen))),
        twice_in_topic=len(seen) - len(set(seen)), dead_lettered_in_topic=dead.records_max,
        applied=int(counts["applied_records"]), deduplicated=int(counts["deduplicated_records"]),
        dead_lettered=int(counts["dead_lettered_records"]),
    )  # fmt: skip


async def await_settled(admin: AIOKafkaAdminClient, bounds: Bounds) -> None:
    """Wait until the worker's committed offsets reach the end.

    Raises:
        BenchError: not within ``SETTLE_WAIT_S`` seconds.
    """
    try:
        async with asyncio.timeout(SETTLE_WAIT_S):
            while True:
                done = await committed_offsets(admin, application_id(AGENT), PROGRESS.name)
                if all(done.get(part, 0) >= end for part, end in bounds.ends.items()):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise BenchError(f"the worker had not caught up after {SETTLE_WAIT_S:.0f} s") from None


def freshness_report(
    load: LoadOptions,
    workers: int,
    result: LoadResult,
    accounting: Accounting,
    cores: Mapping[str, float],
) -> Report:
    """Turn latencies and counts into rows and reaches.

    Raises:
        BenchError: no probe was answered.
    """
    if not result.fresh_ms:
        raise BenchError(f"no probe was answered; refusals: {result.reasons}")
    fresh = summary("202 -> changed slate readable", result.fresh_ms)
    return Report(
        bench="freshness",
        parameters={
            "rate": load.rate, "seconds": load.seconds, "warmup_s": load.warmup_s,
            "events_per_request": load.batch, "viewers": load.viewers, "titles": load.titles,
            "workers": workers, "probe_poll_ms": load.probe_poll_ms,
        },
        fields={
            "p50_ms": fresh["p50_ms"], "p99_ms": fresh["p99_ms"], "max_ms": fresh["max_ms"],
            "probes": fresh["count"], "probes_timed_out": result.probes_timed_out,
            "sent": result.sent, "refused": result.refused, "failed": result.failed,
            "begun_per_s": round(result.begun / load.seconds, 1),
            "late_start_ms_max": round(result.late_start_ms_max, 1), "cores": dict(cores),
            "accounting": {**asdict(accounting), "balanced": accounting.balanced},
        },
        rows=[
            fresh,
            summary("due -> changed slate readable", result.fresh_from_due_ms),
            summary("request -> 202", result.answer_ms),
            summary("due -> 202", result.answer_from_due_ms),
        ],
        reaches=[
            Reach(name="freshness p50", value=fresh["p50_ms"], limit=P50_MS_MAX,
                  sense="at most", unit="ms"),
            Reach(name="freshness p99", value=fresh["p99_ms"], limit=P99_MS_MAX,
                  sense="at most", unit="ms"),
            Reach(name="accepted events not accounted for",
                  value=0.0 if accounting.balanced else float(max(1, accounting.lost)),
                  limit=0.0, sense="at most"),
        ],
        notes=[
            accounting_note(accounting), cores_note(cores),
            f"{result.begun / load.seconds:.0f} events a second begin a title",
            *(f"refused: {why}" for why in result.reasons),
        ],
    )  # fmt: skip


def accounting_note(accounting: Accounting) -> str:
    """Say in one line where the accepted events are."""
    return (
        f"accepted {accounting.accepted:,}, in the topic {accounting.in_topic:,} "
        f"= applied {accounting.applied:,} + deduplicated {accounting.deduplicated:,} "
        f"+ dead-lettered {accounting.dead_lettered:,}"
    )


def cores_note(cores: Mapping[str, float]) -> str:
    """Say in one line what used the machine, the busiest first."""
    busiest = sorted(cores.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name} {used:.2f}" for name, used in busiest)
    return f"cores in use: {parts}; together {sum(cores.values()):.2f}"


def summary(what: str, values: Sequence[float]) -> dict[str, Any]:
    """Return count, median, 99th percentile and maximum of latencies in milliseconds."""
    return {
        "what": what, "count": len(values), "p50_ms": round(percentile(values, 0.5), 1),
        "p99_ms": round(percentile(values, 0.99), 1), "max_ms": round(max(values), 1),
    }  # fmt: skip
