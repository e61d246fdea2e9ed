"""A Redis of the machine as a process on loopback, without a file of its own."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Self

from infra.embedded.process import free_port
from tests.support.waiting import wait_until

PROGRAMS = ("redis-server", "valkey-server")


class RedisServer:
    """Started and stopped by a test, on one port."""

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def found(cls, directory: Path) -> Self | None:
        """Return a server that is not started, None where no program is installed."""
        programs = [path for name in PROGRAMS if (path := shutil.which(name))]
        return cls(programs[0], directory) if programs else None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                self._program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", str(self._directory),
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, 30, "Redis answers")

    def stop(self) -> None:
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Redis ended while starting"
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
