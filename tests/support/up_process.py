"""`media-gateway up` as a real process, for tests that need the whole product."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from infra.data_dir import DataDir
from infra.embedded.process import free_port
from tests.support.served_fakes import PLENTY
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 240


class Up:
    """One `up` in its own process, with its output in a file."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.output = data_dir.with_name(data_dir.name + ".out")
        given = {"KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", **PLENTY, **environment}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "cli.main", "up", "--data-dir", str(data_dir),
                    "--port", str(self.port), "--workers", "2",
                ],
                stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **given},
            )  # fmt: skip

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> None:
        def ready_or_dead() -> bool:
            assert self.process.poll() is None, f"up ended:\n{self.text}"
            return f"ready: http://127.0.0.1:{self.port}\n" in self.text

        wait_until(ready_or_dead, START_TIMEOUT_S, "the ready line")

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def pids(self) -> dict[str, int]:
        stack = DataDir(self.data_dir).running()
        assert stack is not None
        return stack.pids


@contextmanager
def running(data_dir: Path, **environment: str) -> Iterator[Up]:
    """Start `up`, wait until it is ready, and leave nothing of it behind whatever happens."""
    up = Up(data_dir, **environment)
    try:
        up.wait_ready()
        yield up
    finally:
        children = up.descendants() if up.process.poll() is None else []
        up.process.kill()
        up.process.wait()
        for child in children:
            if alive(child):
                child.kill()


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
