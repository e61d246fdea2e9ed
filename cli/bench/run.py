"""One measured run of a worker over a whole topic, from the first batch to the last commit."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from cli.bench.kafka import BenchError, committed_offsets
from cli.bench.processes import WorkerProcess, read_started
from infra.kafka.admin import open_admin
from infra.kafka.cluster import Cluster

POLL_S = 0.02
RUN_WAIT_S = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a worker has to commit before its run is over."""

    cluster: Cluster
    group: str
    topic: str
    starts: dict[int, int]
    ends: dict[int, int]

    @property
    def events(self) -> int:
        """Number of records between start and end."""
        return sum(end - self.starts[number] for number, end in self.ends.items())


@dataclass(frozen=True, slots=True)
class RunResult:
    """Figures of one run; ``cpu_s`` is user plus system time of the worker process."""

    events: int
    wall_s: float
    cpu_s: float

    @property
    def events_per_s(self) -> float:
        """Events per second of wall time."""
        return self.events / self.wall_s

    @property
    def cpu_us_per_event(self) -> float:
        """Microseconds of CPU per event."""
        return self.cpu_s * 1e6 / self.events


async def measure(worker: WorkerProcess, job: Job, state_dir: Path) -> RunResult:
    """Wait until ``worker`` has committed the end of ``job`` and return what it took.

    The end is when the committed offsets were seen at the end of the topic, polled every 20 ms: the
    last changelog flush and the commit are inside.

    Raises:
        BenchError: the worker ended, or did not finish in ``RUN_WAIT_S`` seconds.
    """
    deadline = time.monotonic() + RUN_WAIT_S
    async with open_admin(job.cluster) as admin:
        while not await finished(admin, job):
            worker.require_alive()
            if time.monotonic() > deadline:
                raise BenchError(f"{job.group} did not finish within {RUN_WAIT_S:.0f} s")
            await asyncio.sleep(POLL_S)
    ended_s, cpu_s = time.monotonic(), worker.cpu_s()
    started = read_started(state_dir)
    if started is None:
        raise BenchError("the worker committed everything without running the step")
    return RunResult(job.events, ended_s - started[0], cpu_s - started[1])


async def finished(admin: AIOKafkaAdminClient, job: Job) -> bool:
    """Tell whether every partition of the job is committed up to its end."""
    committed = await committed_offsets(admin, job.group, job.topic)
    return all(committed.get(number, 0) >= end for number, end in job.ends.items())
