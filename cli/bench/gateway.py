"""A fresh gateway for a bench: ``media-gateway up`` on a scratch directory, a key, a catalogue."""

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from cli.bench.events import START_AT_MS, duration_of, title_name
from cli.bench.kafka import BenchError, load_topic
from cli.options import environment_of, with_stack, without_limits
from infra.data_dir import DataDir, RunningStack
from infra.embedded.process import free_port
from infra.kafka.cluster import Cluster, cluster_of
from infra.settings import Settings
from schemas.codec import encode
from schemas.content import Content
from topics.catalog import CONTENTS

UP_WAIT_S = 180.0
STOP_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running stack with an API key that may do everything an app may."""

    stack: RunningStack
    data_dir: DataDir
    api_key: str

    @property
    def url(self) -> str:
        """Address of the API."""
        return self.stack.api_url

    @property
    def cluster(self) -> Cluster:
        """The stack's Kafka."""
        return cluster_of(with_stack(Settings(), self.stack))


@contextmanager
def fresh_gateway(workers: int, progress: Progress) -> Iterator[Gateway]:
    """Start a whole stack, yield it, stop it and remove its data.

    Raises:
        BenchError: it did not become ready; the message holds what it said.
    """
    task = progress.add_task("starting the stack", total=None)
    with tempfile.TemporaryDirectory(prefix="bench-stack-") as directory:
        data_dir = DataDir(Path(directory))
        log = Path(directory) / "up.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # our own command, no shell
                [sys.executable, "-m", "cli.main", "up", "--data-dir", directory,
                 "--port", str(free_port()), "--workers", str(workers)],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**environment_of(without_limits(Settings())), **os.environ},
            )  # fmt: skip
        try:
            stack = await_stack(process, data_dir, log)
            progress.remove_task(task)
            yield Gateway(stack, data_dir, create_key(directory))
        finally:
            process.terminate()
            try:
                process.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def await_stack(process: "subprocess.Popen[bytes]", data_dir: DataDir, log: Path) -> RunningStack:
    """Wait until the stack says where its API is.

    Raises:
        BenchError: it ended or took longer than ``UP_WAIT_S`` seconds.
    """
    deadline = time.monotonic() + UP_WAIT_S
    while not re.search(r"^ready: http", log.read_text(errors="replace"), re.MULTILINE):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"the stack did not start: ...{log.read_text()[-2000:]}")
        time.sleep(0.1)
    stack = data_dir.running()
    if stack is None or not stack.api_url:
        raise BenchError("the stack says it is ready, but not where its API is")
    return stack


def create_key(directory: str) -> str:
    """Return a new API key: the last line that ``key create`` prints.

    Raises:
        BenchError: the command failed.
    """
    answer = subprocess.run(  # noqa: S603  # our own command, no shell
        [sys.executable, "-m", "cli.main", "key", "create", "bench", "--data-dir", directory],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if answer.returncode != 0:
        raise BenchError(f"key create failed: {answer.stderr[-1000:]}")
    return answer.stdout.strip().splitlines()[-1]


async def load_catalogue(gateway: Gateway, titles: int) -> None:
    """Write ``titles`` contents straight to their topic: ingestion is not what is measured."""
    records = (
        (name.encode(), encode(content))
        for name, content in ((title_name(n), content_of(n)) for n in range(titles))
    )
    topic = (CONTENTS.name, CONTENTS.partitions)
    await load_topic(gateway.cluster, topic, records, lambda count: None)


def content_of(number: int) -> Content:
    """Return the catalogue entry of title ``number``."""
    return Content(
        content_id=title_name(number),
        type="movie",
        title=f"Bench Title {number}",
        runtime_s=int(duration_of(number)),
        updated_at_ms=START_AT_MS,
    )


def worker_counts(gateway: Gateway, agent: str) -> dict[str, float]:
    """Return records, applied, deduplicated and dead-lettered of ``agent``, over all workers.

    Raises:
        BenchError: no worker's metrics could be found.
    """
    names = ("records", "applied_records", "deduplicated_records", "dead_lettered_records")
    totals = dict.fromkeys(names, 0.0)
    for page in worker_metrics(gateway):
        for name in names:
            pattern = rf'^mg_agent_{name}_total\{{[^}}]*agent="{agent}"[^}}]*\}} (\S+)'
            totals[name] += sum(float(value) for value in re.findall(pattern, page, re.MULTILINE))
    return totals


def worker_metrics(gateway: Gateway) -> list[str]:
    """Return the metrics page of every worker.

    Raises:
        BenchError: the stack does not say where they are.
    """
    urls = gateway.stack.metrics_urls.values()
    if not urls:
        raise BenchError(
            f"{gateway.data_dir.stack_file} does not say where the workers' metrics are"
        )
    return [fetch(url) for url in urls]


def fetch(url: str) -> str:
    """Return the body of a page on this machine."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own address
        return str(answer.read().decode())
