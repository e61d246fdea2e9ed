"""``bench pipeline``: one worker on one core, our runtime beside Quix Streams and a bare loop."""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.progress import Progress

from agents.watch_states import SPEC
from cli.bench.broker import Broker, environment_of_broker
from cli.bench.contestant import CONFIG_ENV, SOURCE, ContestantConfig
from cli.bench.events import Population, encoded_events
from cli.bench.kafka import COMPACTED, end_offsets, load_topic, recreate_topic, rewind_group
from cli.bench.processes import Cores, WorkerProcess
from cli.bench.report import Reach, Report
from cli.bench.run import Job, RunResult, measure
from topics.spec import application_id

OURS, QUIX, BARE = "media-gateway", "quix-streams", "bare-aiokafka"
MODULES = {
    OURS: "cli.bench.gateway_worker",
    QUIX: "cli.bench.quix_worker",
    BARE: "cli.bench.bare_worker",
}
COMMIT_INTERVAL_S = 1.0
QUIX_RATIO_MIN = 2.0
BARE_RATIO_MIN = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineOptions:
    """How much is measured."""

    events: int
    viewers: int
    rounds: int
    contestants: tuple[str, ...] = (OURS, QUIX, BARE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arena:
    """What all runs share: the broker, the cores, the loaded topic."""

    broker: Broker
    cores: Cores | None
    starts: dict[int, int]
    ends: dict[int, int]
    scratch: Path


async def run_pipeline(options: PipelineOptions, broker: Broker, progress: Progress) -> Report:
    """Load the topic once, then run every contestant ``rounds`` times, alternating."""
    cores = Cores.of_this_machine()
    if cores is not None:
        broker.pin(cores.broker)
    starts, ends = await load_events(options, broker, progress)
    results: dict[str, list[RunResult]] = {name: [] for name in options.contestants}
    task = progress.add_task("runs", total=options.rounds * len(options.contestants))
    with tempfile.TemporaryDirectory(prefix="bench-pipeline-") as scratch:
        arena = Arena(broker=broker, cores=cores, starts=starts, ends=ends, scratch=Path(scratch))
        for number in range(options.rounds):
            for name in options.contestants:
                progress.update(task, description=f"round {number + 1}: {name}")
                results[name].append(await run_contestant(name, number, arena))
                progress.advance(task)
    return pipeline_report(options, results, cores)


async def load_events(
    options: PipelineOptions, broker: Broker, progress: Progress
) -> tuple[dict[int, int], dict[int, int]]:
    """Create the topics and write the events; return start and end offset per partition."""
    for topic in (SOURCE, *SPEC.emits):
        await recreate_topic(broker.cluster, topic.name, topic.partitions, {})
    starts = await end_offsets(broker.cluster, SOURCE.name, SOURCE.partitions)
    task = progress.add_task("events loaded", total=options.events)
    population = Population(viewers=options.viewers, watching=max(1, options.viewers // 2))
    await load_topic(
        broker.cluster, (SOURCE.name, SOURCE.partitions),
        encoded_events(population, options.events),
        lambda count: progress.advance(task, count),
    )  # fmt: skip
    progress.update(task, completed=options.events)
    return starts, await end_offsets(broker.cluster, SOURCE.name, SOURCE.partitions)


async def run_contestant(name: str, number: int, arena: Arena) -> RunResult:
    """Run one contestant over the whole topic, from nothing: fresh offsets, state and changelog."""
    namespace = f"bench-{name}-{number}-"
    group = namespace + application_id(SPEC.name)
    changelog = namespace + SPEC.changelog
    if name != QUIX:  # Quix Streams makes its own, one per group
        await recreate_topic(arena.broker.cluster, changelog, SOURCE.partitions, COMPACTED)
    await rewind_group(arena.broker.cluster, group, SOURCE.name, SOURCE.partitions)
    state_dir = arena.scratch / f"{name}-{number}"
    state_dir.mkdir()
    config = ContestantConfig(
        bootstrap=arena.broker.cluster.bootstrap_servers, group=group, changelog=changelog,
        state_dir=str(state_dir), commit_interval_s=COMMIT_INTERVAL_S,
    )  # fmt: skip
    environ = {
        CONFIG_ENV: config.to_env(),
        "MEDIA_GATEWAY_NAMESPACE": namespace,
        **environment_of_broker(arena.broker.cluster),
        "MEDIA_GATEWAY_COMMIT_INTERVAL_S": str(COMMIT_INTERVAL_S),
        "MEDIA_GATEWAY_DATA_DIR": str(state_dir),
    }
    core = arena.cores.worker if arena.cores else None
    worker = WorkerProcess(["-m", MODULES[name]], environ, state_dir / "worker.log", core)
    job = Job(
        cluster=arena.broker.cluster, group=group, topic=SOURCE.name,
        starts=arena.starts, ends=arena.ends,
    )  # fmt: skip
    try:
        return await measure(worker, job, state_dir)
    finally:
        worker.stop()


def median_of(results: Sequence[RunResult], field: str) -> float | None:
    """Return the median of one figure over all runs; None without runs."""
    return statistics.median(getattr(result, field) for result in results) if results else None


def ratio(ours: float | None, theirs: float | None) -> float | None:
    """Return ours / theirs; None when one of them was not run."""
    return round(ours / theirs, 3) if ours and theirs else None


def pipeline_report(
    options: PipelineOptions, results: dict[str, list[RunResult]], cores: Cores | None
) -> Report:
    """Turn the runs into medians, ratios and reaches."""
    rate = {name: median_of(runs, "events_per_s") for name, runs in results.items()}
    cpu = {name: median_of(runs, "cpu_us_per_event") for name, runs in results.items()}
    quix_ratio = ratio(rate.get(OURS), rate.get(QUIX))
    bare_ratio = ratio(rate.get(OURS), rate.get(BARE))
    return Report(
        bench="pipeline",
        parameters={
            "events": options.events, "viewers": options.viewers, "rounds": options.rounds,
            "partitions": SOURCE.partitions, "commit_interval_s": COMMIT_INTERVAL_S,
            "cores": pinning(cores),
            "quixstreams": version("quixstreams") if QUIX in results else None,
        },
        fields={
            "events_per_s": rate.get(OURS), "cpu_us_per_event": cpu.get(OURS),
            "quix_ratio": quix_ratio, "bare_ratio": bare_ratio,
            "quix_cpu_ratio": ratio(cpu.get(QUIX), cpu.get(OURS)),
            "bare_cpu_ratio": ratio(cpu.get(BARE), cpu.get(OURS)),
        },
        rows=[contestant_row(name, runs) for name, runs in results.items()],
        reaches=[
            Reach(name="rate / Quix Streams", value=quix_ratio, limit=QUIX_RATIO_MIN,
                  sense="at least", unit="x"),
            Reach(name="rate / bare loop", value=bare_ratio, limit=BARE_RATIO_MIN,
                  sense="at least", unit="x"),
        ],
    )  # fmt: skip


def pinning(cores: Cores | None) -> str:
    """Say which core ran what."""
    return "not pinned" if cores is None else f"broker {cores.broker}, worker {cores.worker}"


def contestant_row(name: str, runs: Sequence[RunResult]) -> dict[str, object]:
    """Return one table row: medians, and the spread of the rate."""
    rates = [run.events_per_s for run in runs]
    return {
        "contestant": name,
        "runs": len(runs),
        "events_per_s": round(statistics.median(rates)),
        "min": round(min(rates)),
        "max": round(max(rates)),
        "cpu_us_per_event": round(median_of(runs, "cpu_us_per_event") or 0.0, 2),
    }
