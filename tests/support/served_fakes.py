"""The real API server on handwritten stores, as a process: for tests of what is before them.

``python -m tests.support.served_fakes PORT`` serves until SIGTERM; it reads the usual settings.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from api.limits.quotas import VARIABLES
from infra.embedded.process import free_port
from infra.postgres.viewers import Viewer
from infra.security import keys
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
# Not a secret: the credential of fakes that only loopback can reach, the same in every process.
KEY = keys.create_key()
SECRET_VARIABLE = "TEST_API_KEY"
TIER_VARIABLE = "TEST_API_KEY_TIER"
WEBHOOK_SECRET = b"0123456789abcdef0123456789abcdef"
PLENTY = dict.fromkeys(VARIABLES.values(), "1000000")


class Served:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        self.authorization = f"Bearer {KEY.text}"

    def connect(self, timeout_s: float = 15.0) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)


@contextmanager
def serving(directory: Path, **environment: str) -> Iterator[Served]:
    """Start the server, wait until it answers, and stop it."""
    port = free_port()
    log = directory / f"served-{port}.log"
    command = [sys.executable, "-W", "error", "-m", "tests.support.served_fakes", str(port)]
    given = {**os.environ, SECRET_VARIABLE: KEY.text, **environment}
    given["MEDIA_GATEWAY_DATA_DIR"] = str(directory / f"data-{port}")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=given, stdout=output, stderr=subprocess.STDOUT
        )
    served = Served(process, port, log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with served.connect() as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return connection.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    try:
        wait_until(answers, 60, "the server answers")
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def create_app(settings):
    """Return the application on fakes that hold one of everything."""
    import time

    from api.app import create_app as create
    from api.edge.protocol import check_internals
    from tests.component.api.fakes import NOW_MS, FakeWorld, a_content, a_partner, a_state
    from tests.component.api.test_reads import a_slate

    check_internals()
    world = FakeWorld()
    world.monotonic_s = time.monotonic
    database = world.database
    world.tokens.add_signing_key()
    key = keys.parse_key_id(os.environ[SECRET_VARIABLE])
    database.put_key(os.environ[SECRET_VARIABLE], key, os.environ.get(TIER_VARIABLE, "free"))
    database.partners["acme"] = a_partner(WEBHOOK_SECRET)
    database.add_content(a_content("film-1"))
    database.add_state(a_state("film-1"))
    database.slates["user-1"] = a_slate("film-1")
    database.features["film-1"] = b"{}"
    database.viewers["user-1"] = Viewer("user-1", 7, 7, (), NOW_MS)
    return create(settings, world.open_services)


def main() -> None:
    """Serve on the port of the command line."""
    from api.server import serve
    from infra.settings import Settings

    serve(replace(Settings.from_env(os.environ), port=int(sys.argv[1])), create_app)


if __name__ == "__main__":
    main()
