"""``media-gateway api`` as a real process: on a free port, its output in a file."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from api.limits.quotas import VARIABLES
from infra.embedded.process import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
PLENTY = dict.fromkeys(VARIABLES.values(), "1000000")


class ApiProcess:
    """One API; limits of callers are out of reach unless the environment sets them."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"api-{self.port}.log"
        arguments = ["api", "--port", str(self.port), "--data-dir", str(directory)]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *arguments],
                cwd=ROOT, env={**os.environ, **PLENTY, **environment},
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def wait_alive(self) -> None:
        """Wait until it answers."""
        wait_until(self._alive, START_TIMEOUT_S, f"the API on port {self.port} answers")

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(STOP_TIMEOUT_S)

    def _alive(self) -> bool:
        assert self._process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        try:
            return httpx2.get(f"{self.url}/healthz").status_code == 200
        except httpx2.TransportError:
            return False


@contextmanager
def running_api(database_url: str, directory: Path, **environment: str) -> Iterator[str]:
    """Yield the base URL of an API that answers. Its Kafka is not there; reads do not need it."""
    nowhere = f"127.0.0.1:{free_port()}"
    given = {"DATABASE_URL": database_url, "KAFKA_BOOTSTRAP_SERVERS": nowhere, **environment}
    api = ApiProcess(given, directory)
    try:
        api.wait_alive()
        yield api.url
    finally:
        api.end()
