"""``media-gateway api`` as a real process, with its output in a file."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from infra.embedded.process import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120


@contextmanager
def running_api(database_url: str, directory: Path, **environment: str) -> Iterator[str]:
    """Yield the base URL of an API that answers. Its Kafka is not there; reads do not need it."""
    port = free_port()
    given = {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        **environment,
    }
    arguments = ["api", "--port", str(port), "--data-dir", str(directory)]
    with (directory / "api.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT, env={**os.environ, **given}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, (directory / "api.log").read_text()
        try:
            return httpx2.get(f"{url}/healthz").status_code == 200
        except httpx2.TransportError:
            return False

    try:
        wait_until(answers, START_TIMEOUT_S, "the API answers")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
