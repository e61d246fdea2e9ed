"""A worker as a real process: started, waited for, stopped or killed by a test."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SESSION_TIMEOUT_S = "6"  # a killed worker's partitions move after this


class WorkerProcess:
    """``python -m MODULE ARGS`` with its output in a file."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: dict[str, str], directory: Path
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        number = len(list(directory.glob("worker-*.log")))
        self.log = directory / f"worker-{number}.log"
        settings = {
            "MEDIA_GATEWAY_DATA_DIR": str(directory / f"worker-{number}"),
            "MEDIA_GATEWAY_SESSION_TIMEOUT_S": SESSION_TIMEOUT_S,
        }
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**os.environ, **settings, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def children(self) -> list[psutil.Process]:
        """Its child processes."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def output(self) -> str:
        """Everything printed and logged so far."""
        return self.log.read_text(errors="replace")

    def wait_ready(self, timeout_s: float = 90) -> None:
        """Wait for the line ``ready``."""

        def ready() -> bool:
            if self._process.poll() is not None:
                raise AssertionError(f"worker ended while starting:\n{self.output()[-3000:]}")
            return "ready" in self.output().splitlines()

        wait_until(ready, timeout_s, "worker ready")

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def terminate(self, timeout_s: float = 60) -> int:
        """SIGTERM; return the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_s)

    def wait_end(self, timeout_s: float) -> int:
        """Wait until it ends by itself; return the exit status."""
        return self._process.wait(timeout_s)

    def end(self) -> None:
        """Make sure that it is gone (clean-up)."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)


@contextmanager
def workers_on(bootstrap: str, directory: Path) -> Iterator[Callable[[str], WorkerProcess]]:
    """Yield what starts a worker of some agents on a Kafka; all that were started end with it."""
    workers: list[WorkerProcess] = []

    def start(agents: str) -> WorkerProcess:
        arguments = ["worker", "--agents", agents]
        environment = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap}
        workers.append(WorkerProcess("cli.main", arguments, environment, directory))
        return workers[-1]

    try:
        yield start
    finally:
        for worker in workers:
            worker.end()
