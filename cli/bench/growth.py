"""``bench growth``: the same worker as the number of known viewers grows."""

import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import Progress

from agents.runtime.table import changelog_items
from agents.watch_states import SPEC
from cli.bench.broker import Broker, environment_of_broker
from cli.bench.contestant import CONFIG_ENV, SOURCE, ContestantConfig, clean_step
from cli.bench.events import Population, encoded_events, user_name
from cli.bench.growth_report import GrowthOptions, SizeResult, growth_report
from cli.bench.histories import Template, make_templates
from cli.bench.kafka import (
    COMPACTED,
    BatchWriter,
    BenchError,
    bulk_producer,
    commit_offsets,
    end_offsets,
    load_topic,
    recreate_topic,
)
from cli.bench.processes import Cores, WorkerProcess
from cli.bench.report import Report
from cli.bench.run import Job, measure
from infra.kafka.routing import partition_of
from topics.spec import application_id

COMMIT_INTERVAL_S = 1.0
TEMPLATES = 400
READY_WAIT_S = 300.0


async def run_growth(options: GrowthOptions, broker: Broker, progress: Progress) -> Report:
    """Measure every size, smallest first; an empty worker is the base of the memory figures."""
    cores = Cores.of_this_machine()
    if cores is not None:
        broker.pin(cores.broker)
    templates = make_templates(clean_step(), TEMPLATES, options.titles_median)
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as scratch:
        bench = GrowthBench(options, broker, cores, Path(scratch), templates, progress)
        empty_rss = await bench.empty_rss()
        results = [await bench.measure_size(users, empty_rss) for users in sorted(options.users)]
    return growth_report(options, results, templates, empty_rss)


class GrowthBench:
    """The shared parts of all sizes."""

    def __init__(
        self, options: GrowthOptions, broker: Broker, cores: Cores | None, scratch: Path,
        templates: Sequence[Template], progress: Progress,
    ) -> None:  # fmt: skip
        self._options = options
        self._cluster = broker.cluster
        self._core = cores.worker if cores else None
        self._scratch = scratch
        self._templates = templates
        self._progress = progress
        # Offsets below this belong to the histories; live events come after them.
        self._offset_base = max(template.events for template in templates) + 1

    async def empty_rss(self) -> int:
        """Return the resident bytes of a ready worker that knows nobody."""
        await self._prepare("empty")
        worker = self._start("empty", "base")
        try:
            await_ready(worker)
            return worker.rss_bytes()
        finally:
            worker.kill()

    async def measure_size(self, users: int, empty_rss: int) -> SizeResult:
        """Load ``users`` histories and the events, run the worker, kill it, time its recovery."""
        name = f"{users}"
        starts = await self._prepare(name)
        encoded = await self._load_histories(name, users)
        job = await self._load_events(name, users, starts)
        worker = self._start(name, "run")
        try:
            run = await measure(worker, job, self._scratch / f"{name}-run")
            rss_after = worker.rss_bytes()
        finally:
            worker.kill()
        worker = self._start(name, "recovery")
        try:
            recovery_s = await_ready(worker)
            rss, restore_s = worker.rss_bytes(), scrape_restore_s(worker)
        finally:
            worker.kill()
        return SizeResult(
            users=users, events_per_s=round(run.events_per_s),
            cpu_us_per_event=round(run.cpu_us_per_event, 2),
            encoded_bytes_per_user=round(encoded / users, 1),
            memory_bytes_per_user=round((rss - empty_rss) / users, 1),
            rss_mib=round(rss / 2**20, 1), rss_after_events_mib=round(rss_after / 2**20, 1),
            recovery_s=round(recovery_s, 2), restore_s=round(restore_s, 2),
        )  # fmt: skip

    async def _prepare(self, name: str) -> dict[int, int]:
        """Make fresh topics, fill the offsets that histories claim; return where events start."""
        for topic in (SOURCE, *SPEC.emits):
            await recreate_topic(self._cluster, topic.name, topic.partitions, {})
        changelog = namespace(name) + SPEC.changelog
        await recreate_topic(self._cluster, changelog, SOURCE.partitions, COMPACTED)
        async with bulk_producer(self._cluster) as producer:
            writer = BatchWriter(producer, SOURCE.name, SOURCE.partitions)
            for number in range(SOURCE.partitions):
                for _ in range(self._offset_base):
                    await writer.add(b"filler", b"{}", number)
            await writer.flush()
        starts = await end_offsets(self._cluster, SOURCE.name, SOURCE.partitions)
        await commit_offsets(
            self._cluster, namespace(name) + application_id(SPEC.name), SOURCE.name, starts
        )
        return starts

    async def _load_histories(self, name: str, users: int) -> int:
        """Write every viewer's state to the changelog; return the bytes of keys and values."""
        task = self._progress.add_task(f"{users:,} histories", total=users)
        total = 0
        async with bulk_producer(self._cluster) as producer:
            changelog = namespace(name) + SPEC.changelog
            writer = BatchWriter(producer, changelog, SOURCE.partitions)
            for count, (user, template) in enumerate(self._population(users), 1):
                rows: dict[str, bytes | None] = dict(template.rows_for(user))
                number = partition_of(user.encode(), SOURCE.partitions)
                for item in changelog_items(rows, self._offset_base):
                    await writer.add(item.key or b"", item.value, number)
                total += sum(len(key) + len(value or b"") for key, value in rows.items())
                if count % 1000 == 0:
                    self._progress.advance(task, 1000)
            await writer.flush()
        self._progress.update(task, completed=users)
        return total

    def _population(self, users: int) -> Iterator[tuple[str, Template]]:
        for number in range(users):
            yield user_name(number), self._templates[number % len(self._templates)]

    async def _load_events(self, name: str, users: int, starts: dict[int, int]) -> Job:
        options = self._options
        task = self._progress.add_task("events loaded", total=options.events)
        population = Population(viewers=users, watching=options.watching, event_prefix="g")
        await load_topic(
            self._cluster, (SOURCE.name, SOURCE.partitions),
            encoded_events(population, options.events),
            lambda count: self._progress.advance(task, count),
        )  # fmt: skip
        ends = await end_offsets(self._cluster, SOURCE.name, SOURCE.partitions)
        group = namespace(name) + application_id(SPEC.name)
        return Job(cluster=self._cluster, group=group, topic=SOURCE.name, starts=starts, ends=ends)

    def _start(self, name: str, part: str) -> WorkerProcess:
        state_dir = self._scratch / f"{name}-{part}"
        state_dir.mkdir()
        config = ContestantConfig(
            bootstrap=self._cluster.bootstrap_servers, group="", changelog="",
            state_dir=str(state_dir), commit_interval_s=COMMIT_INTERVAL_S,
        )  # fmt: skip
        environ = {
            CONFIG_ENV: config.to_env(),
            "MEDIA_GATEWAY_NAMESPACE": namespace(name),
            **environment_of_broker(self._cluster),
            "MEDIA_GATEWAY_COMMIT_INTERVAL_S": str(COMMIT_INTERVAL_S),
            "MEDIA_GATEWAY_DATA_DIR": str(state_dir),
        }
        arguments = ["-m", "cli.bench.gateway_worker"]
        return WorkerProcess(arguments, environ, state_dir / "worker.log", self._core)


def namespace(name: str) -> str:
    """Return the prefix of group and changelog of one size."""
    return f"bench-growth-{name}-"


def await_ready(worker: WorkerProcess) -> float:
    """Wait for the worker's ``ready`` line; return the seconds since its process was started.

    Raises:
        BenchError: the worker ended, or was not ready within ``READY_WAIT_S`` seconds.
    """
    while "ready" not in worker.log.read_text().splitlines():
        worker.require_alive()
        if time.monotonic() - worker.started_at_s > READY_WAIT_S:
            raise BenchError(f"worker not ready after {READY_WAIT_S:.0f} s: {worker.log_tail()}")
        time.sleep(0.02)
    return time.monotonic() - worker.started_at_s


def scrape_restore_s(worker: WorkerProcess) -> float:
    """Return the worker's own measure of its table recovery, in seconds, from its metrics.

    Raises:
        BenchError: the metrics do not tell.
    """
    port = re.search(r"metrics on port (\d+)", worker.log.read_text())
    if port is None:
        raise BenchError("the worker did not say where its metrics are")
    with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/metrics", timeout=10) as answer:
        found = re.search(
            r"^mg_agent_recovery_seconds\{[^}]*\} (\S+)", answer.read().decode(), re.MULTILINE
        )
    if found is None:
        raise BenchError("the worker's metrics have no mg_agent_recovery_seconds")
    return float(found[1])
