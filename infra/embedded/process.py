"""Child processes that are logged, watched, stopped in time and never left behind."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"
TAIL_LINES = 15
POLL_S = 0.05
PORT_RETRIES = 3  # a port chosen as free can be taken by another process before a server binds it
BIND_FAILURE = "Address already in use"  # how a server's log names a port taken by another process
MEBIBYTE = 1024 * 1024


@functools.cache
def spawner() -> ThreadPoolExecutor:
    """Return the one thread that starts every child.

    Linux sends the parent-death signal when the *thread* that forked ends, so children must not be
    started from a thread that ends before the process does.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(slots=True)
class Child:
    """One child process in its own session, with its output in ``log_path``.

    Attributes:
        stop_signal: what asks it to end in order.
        user: who it runs as; None keeps the current user. Needs root.
    """

    name: str
    argv: Sequence[str]
    log_path: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    _cleared: bool = field(default=False, init=False)

    @property
    def pid(self) -> int:
        """Process id, which is the session and process group id as well; 0 before the start."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it with a new log; the log of the run before is kept as ``NAME.log.1``.

        Does nothing once ``stop`` was called: a start in one thread and a stop in another leave
        nothing behind, whichever comes first.

        Raises:
            OSError: the log file or the program cannot be opened.
        """
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists():
            self.log_path.replace(self.log_path.with_name(self.log_path.name + ".1"))
        spawner().submit(self._spawn).result()

    def _spawn(self) -> None:
        if self._stopped:
            return
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own command, no shell
                guarded(self.argv, self.stop_signal, self.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self.env is None else dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
            )

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal that ended it), None while it runs."""
        return self._process.poll() if self._process else None

    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def listening(self) -> list[tuple[str, int]]:
        """Return host and port of the TCP sockets it listens on, oldest first.

        Nothing while it does not run. Not for another user's process, which hides its sockets.
        """
        if not self.running():
            return []
        try:
            sockets = psutil.Process(self.pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return []
        found = [item for item in sockets if item.status == psutil.CONN_LISTEN]
        found.sort(key=lambda item: item.fd)
        # Java binds IPv4 addresses on IPv6 sockets: they read ::ffff:127.0.0.1.
        return [(item.laddr.ip.removeprefix("::ffff:"), item.laddr.port) for item in found]

    def ask_to_stop(self) -> None:
        """Send ``stop_signal``; returns at once. From now on ``start`` does nothing."""
        self._stopped = True
        spawner().submit(lambda: None).result()  # a start under way has ended
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; returns whether it ended within the time."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, timeout_s: float) -> bool:
        """End it, by force after ``timeout_s``, together with whatever it started.

        Returns:
            Whether it ended in order within the time.
        """
        self.ask_to_stop()
        in_time = self.wait(timeout_s)
        if self._process is not None and not self._cleared:
            kill_group(self.pid)
            self._process.wait()
            self._cleared = True  # later the group's number may be somebody else's
        return in_time

    def tail(self) -> list[str]:
        """Return the last lines of its log."""
        return tail(self.log_path)


def guarded(argv: Sequence[str], death_signal: signal.Signals, user: str | None) -> list[str]:
    """Return ``argv`` wrapped so that it gets ``death_signal`` when this process ends."""
    guard = Path(__file__).with_name("exec_guard.py")
    prefix = [sys.executable, "-I", "-S", str(guard)]
    return [*prefix, str(os.getpid()), str(int(death_signal)), user or "-", *argv]


def kill_group(group: int) -> None:
    """Kill what is left of a process group; nothing left is fine."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def tail(path: Path, lines: int = TAIL_LINES) -> list[str]:
    """Return the last ``lines`` lines of a text file, none if there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def wait_for(ready: Callable[[], bool], timeout_s: float, alive: Callable[[], bool]) -> bool:
    """Poll until ``ready``; False when the time is over or ``alive`` says no."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and alive():
        if ready():
            return True
        time.sleep(POLL_S)
    return False


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_disk(path: Path, free_mb: int, error: type[EmbeddedError]) -> None:
    """Check that ``path`` (its nearest existing parent) has ``free_mb`` MiB free.

    Raises:
        EmbeddedError: of the type given, when it has less.
    """
    existing = next(
        parent for parent in [path.absolute(), *path.absolute().parents] if parent.exists()
    )
    left_mb = shutil.disk_usage(existing).free // MEBIBYTE
    if left_mb < free_mb:
        raise error(
            f"{path} has {left_mb} MiB of disk left, {free_mb} MiB are needed: free some space"
        )


def make_directory(path: Path, error: type[EmbeddedError]) -> None:
    """Create ``path`` for this user only (0700) and check that it can be written.

    Raises:
        EmbeddedError: of the type given, when it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise error(f"{path} cannot be written: {problem.strerror}") from problem
