"""An API as a real process: started on a free port, waited for, stopped by a test."""

import os
import subprocess
import sys
from pathlib import Path

import requests

from infra.embedded.process import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class ApiProcess:
    """``media-gateway api`` with its output in a file below ``directory``."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"api-{self.port}.log"
        own = {"MEDIA_GATEWAY_PORT": str(self.port), "MEDIA_GATEWAY_DATA_DIR": str(directory)}
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "api"],
                cwd=ROOT,
                env={**os.environ, **own, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_alive(self) -> None:
        """Wait until it answers."""
        wait_until(self._alive, 60, f"API on port {self.port}")

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(30)

    def _alive(self) -> bool:
        assert self._process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False
