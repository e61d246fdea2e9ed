"""Worker processes of a bench: started on a core of their own, watched, ended by their id."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from cli.bench.contestant import STARTED_FILE
from cli.bench.kafka import BenchError

STOP_WAIT_S = 20.0
LOG_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core runs the broker and the bench, and which the worker; equal on one core."""

    broker: int
    worker: int

    @classmethod
    def of_this_machine(cls) -> "Cores | None":
        """Return the first two usable cores; None where the system cannot pin."""
        if not hasattr(os, "sched_getaffinity"):
            return None
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1 if len(usable) > 1 else 0])


def pin(pid: int, core: int) -> None:
    """Pin every thread that process ``pid`` has now to ``core``; new threads inherit it."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


class WorkerProcess:
    """One Python module or command running as a child, with its output in a log file."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], log: Path, core: int | None
    ) -> None:
        self.log = log
        self._output: IO[bytes] = log.open("ab")
        self.started_at_s = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  # our own modules, no shell
            [sys.executable, *arguments],
            env={**os.environ, **environ},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        if core is not None:
            pin(self.pid, core)

    def cpu_s(self) -> float:
        """Return user plus system time used so far, in seconds."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def rss_bytes(self) -> int:
        """Return the resident memory now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def require_alive(self) -> None:
        """Check that the process still runs.

        Raises:
            BenchError: it ended; the message holds the last lines of its log.
        """
        status = self._process.poll()
        if status is not None:
            raise BenchError(f"worker ended with status {status}: ...{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def stop(self) -> None:
        """Ask the process to end; after ``STOP_WAIT_S`` seconds end it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._output.close()


def read_started(state_dir: Path) -> tuple[float, float] | None:
    """Return (monotonic clock, CPU time) in seconds at the first batch; None before it."""
    path = state_dir / STARTED_FILE
    if not path.exists():
        return None
    try:
        note = json.loads(path.read_text())
    except json.JSONDecodeError:  # being written right now
        return None
    return float(note["monotonic_s"]), float(note["cpu_s"])
