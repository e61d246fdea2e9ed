"""The data directory of the embedded stack: who runs there, and where.

``stack.json`` says where the running stack is found (0600: it holds the keys, and the passwords of
the database and of Kafka); ``lock`` is held by the supervisor for as long as it lives. Both are
ignored when their process is gone. ``secrets-key`` and ``erasure-key`` (0600) are made where a
stack was given none.
"""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from infra.security.pseudonyms import joined

KEY_BYTES = 32  # AES-256, and HMAC-SHA256
CLOCK_TOLERANCE_S = 2.0  # process start times are read with the resolution of the kernel's clock


class DataDirError(RuntimeError):
    """The data directory cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningStack:
    """Where a running stack is found.

    Attributes:
        pid: the supervisor's process id.
        pid_started_at_s: when that process started, seconds since the epoch: ids are used again.
        started_at: RFC 3339 UTC.
        kafka_security: the settings of ``infra.kafka.security`` by which its Kafka is spoken to.
        api_url: empty until the API is ready.
        pids: process id of each component.
        metrics_urls: address of each worker's metrics; empty until the workers are ready.
    """

    pid: int
    pid_started_at_s: float
    started_at: str
    kafka_bootstrap_servers: str
    database_url: str
    secrets_key: str = ""
    kafka_security: dict[str, str] = field(default_factory=dict)
    erasure_key: str = ""
    api_url: str = ""
    pids: dict[str, int] = field(default_factory=dict)
    metrics_urls: dict[str, str] = field(default_factory=dict)


class DataDir:
    """One data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.stack_file = self.path / "stack.json"
        self.lock_file = self.path / "lock"
        self.secrets_key_file = self.path / "secrets-key"
        self.erasure_key_file = self.path / "erasure-key"
        self.logs = self.path / "logs"

    def running(self) -> RunningStack | None:
        """Return the stack that runs here now, None if there is none.

        Raises:
            DataDirError: what is there cannot be read.
        """
        try:
            stack = RunningStack(**json.loads(self.stack_file.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError) as problem:
            raise DataDirError(f"{self.stack_file} cannot be read: {problem}") from problem
        return stack if is_alive(stack.pid, stack.pid_started_at_s) else None

    def write(self, stack: RunningStack) -> None:
        """Replace ``stack.json`` at once; readers see the old or the new one, never half."""
        write_private(self.stack_file, json.dumps(asdict(stack), indent=2))

    def secrets_key(self) -> str:
        """Return the key that seals secrets in the embedded database; made at the first call.

        Raises:
            DataDirError: it cannot be read or written.
        """
        return _made_once(self.secrets_key_file)

    def erasure_keys(self, given: str) -> str:
        """Return the keys of pseudonyms for the embedded database, the current one first.

        Without a given one it is the directory's own, made at the first call. A given one comes
        before it: who was erased under the directory's own stays recognised.

        Args:
            given: as in the settings, keys with a comma between them; may be empty.

        Raises:
            DataDirError: it cannot be read or written.
        """
        if given and not self.erasure_key_file.exists():
            return given
        return joined(given, _made_once(self.erasure_key_file))

    def clear(self) -> None:
        """Remove ``stack.json``: nothing runs here any more."""
        self.stack_file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process; it must exist.

        Raises:
            DataDirError: another process holds it.
        """
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            holder = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise DataDirError(
                f"another stack (process {holder}) runs in {self.path}: stop it, or use another "
                "--data-dir"
            ) from problem
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)


def _made_once(path: Path) -> str:
    """Return the key in a file, base64; random and written first if there is no file."""
    try:
        if not path.exists():
            write_private(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        return path.read_text()
    except OSError as problem:
        raise DataDirError(f"{path}: {problem.strerror}") from problem


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: at once, never half."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    os.replace(draft, path)


def is_alive(pid: int, started_at_s: float) -> bool:
    """Whether the process that had ``pid`` and started then is still there."""
    try:
        process = psutil.Process(pid)
        actual_s = process.create_time()
        zombie = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    return not zombie and abs(actual_s - started_at_s) < CLOCK_TOLERANCE_S


def own_start_s() -> float:
    """When this process started, seconds since the epoch."""
    return float(psutil.Process().create_time())
