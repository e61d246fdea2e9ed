"""The whole product on one machine: Kafka, Postgres, workers and API as children of this process.

    with Stack(settings, echo=click.echo) as stack:
        print(stack.api_url)
        stack.watch()

Every component writes to a file below the data directory's ``logs``. Leaving the block ends all of
them, in the order API, workers, servers; if this process is killed Linux ends them.
"""

import http.client
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

import click

from agents.spec import FitAgent, FollowAgent, SinkAgent, StreamAgent
from cli.options import CommandError, environment_of
from cli.supervision import (
    died,
    has_line,
    line,
    metrics_url,
    run_together,
    signals_held,
    stop_together,
    wanted_port,
)
from infra.data_dir import DataDir, DataDirError, RunningStack, own_start_s
from infra.embedded.errors import ChildDiedError, EmbeddedError
from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.process import Child, make_directory, port_is_free, require_disk, wait_for
from infra.kafka.security import refuse_security_alone, security_settings
from infra.settings import Settings

DISK_FREE_MB = 1024
SERVER_TIMEOUT_S = 180.0  # the first start fetches the jars
WORKER_TIMEOUT_S = 120.0  # recovery of a large table
API_TIMEOUT_S = 60.0
POLL_S = 0.1

# Stopping takes at most 14 s: 15 s are promised. The workers are asked when the API has ended or,
# if it still answers requests, after ``STOP_API_FIRST_S``; both have until ``STOP_PROCESSES_S``.
STOP_API_FIRST_S = 2.5
STOP_PROCESSES_S = 10.5
STOP_SERVERS_S = 3.5


def roles() -> dict[str, tuple[str, ...]]:
    """Return role -> agents of one process.

    Only streams are multiplied: they share partitions, sinks and fits are light, and a fit needs
    all partitions.
    """
    from agents.registry import REGISTRY  # here: `--help` need not wait for the models' libraries

    kinds = {"stream": StreamAgent, "serving": SinkAgent, "fit": FitAgent | FollowAgent}
    return {
        role: tuple(spec.name for spec in REGISTRY if isinstance(spec, kind))
        for role, kind in kinds.items()
    }


class Stack:
    """All components, started by ``start`` and ended by ``stop``.

    Args:
        settings: where ``kafka_bootstrap_servers`` or ``database_url`` is set, that server is used
            and none is started.
        workers: processes that run the stream agents, 1 or more.
        echo: receives one line per component.
    """

    def __init__(
        self, settings: Settings, *, workers: int = 1, echo: Callable[[str], None] = click.echo
    ) -> None:
        self.data_dir = DataDir(settings.data_dir)
        self.settings = replace(settings, data_dir=self.data_dir.path)
        self._workers_wanted = workers
        self._echo = echo
        self._kafka: EmbeddedKafka | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._workers: list[Child] = []
        self._metrics_urls: dict[str, str] = {}
        self._api: Child | None = None
        self._lock = ExitStack()

    @property
    def api_url(self) -> str:
        """Address of the API."""
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def kafka_bootstrap_servers(self) -> str:
        """Bootstrap servers of Kafka; empty before the start."""
        return self.settings.kafka_bootstrap_servers

    @property
    def database_url(self) -> str:
        """URL of the database, with its password; empty before the start."""
        return self.settings.database_url

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it is ready; on any error everything is ended.

        Raises:
            EmbeddedError: a server cannot start, a component died or was not ready in time.
            DataDirError: another stack runs in the data directory.
            CommandError: the port of the API is in use.
        """
        self._check_place()
        self._lock.enter_context(self.data_dir.locked())
        try:
            self._start_servers()
            self._prepare()
            self._publish("")
            self._start_processes()
            self._publish(self.api_url)
        except BaseException:
            self.stop()
            raise
        self._echo(f"ready: {self.api_url}")

    def stop(self) -> None:
        """End every component within 15 s: API, then workers, then the servers."""
        with signals_held():
            self.data_dir.clear()
            deadline = time.monotonic() + STOP_PROCESSES_S
            if self._api is not None:
                self._api.ask_to_stop()
                self._api.wait(STOP_API_FIRST_S)
            api = [] if self._api is None else [self._api]
            stop_together([*self._workers, *api], deadline)
            self._stop_servers()
            self._lock.close()

    def check(self) -> None:
        """Raise if a component has ended by itself.

        Raises:
            ChildDiedError: with its name and last log lines.
        """
        for child in self._children():
            code = child.exit_code()
            if code is not None:
                raise died(child, code)

    def watch(self, until: threading.Event | None = None) -> None:
        """Block until ``until`` is set or a component dies; without ``until``, for ever.

        Raises:
            ChildDiedError: a component ended by itself.
        """
        stop = until or threading.Event()
        while not stop.wait(POLL_S):
            self.check()

    def _check_place(self) -> None:
        make_directory(self.data_dir.path, EmbeddedError)
        running = self.data_dir.running()
        if running is not None:
            raise DataDirError(
                f"another stack (process {running.pid}) runs in {self.data_dir.path}: stop it, or "
                "use another --data-dir"
            )
        require_disk(self.data_dir.path, DISK_FREE_MB, EmbeddedError)
        if not port_is_free(self.settings.port, self.settings.host):
            raise CommandError(
                f"port {self.settings.port} is in use: choose another one with --port"
            )

    def _start_servers(self) -> None:
        """Start Kafka and Postgres at the same time, each unless one was given."""
        starts: dict[str, Callable[[], str]] = {}
        if not self.settings.kafka_bootstrap_servers:
            refuse_security_alone(self.settings)
            self._kafka = EmbeddedKafka(
                self.data_dir.path / "kafka", cache_dir=self.settings.cache_dir
            )
            self._kafka.log_path = self.data_dir.logs / "kafka.log"
            starts["kafka"] = self._start_kafka
        if not self.settings.database_url:
            self.settings = replace(
                self.settings,
                secrets_key=self.settings.secrets_key or self.data_dir.secrets_key(),
                erasure_key=self.data_dir.erasure_keys(self.settings.erasure_key),
            )
            self._postgres = EmbeddedPostgres(self.data_dir.path / "postgres")
            self._postgres.log_path = self.data_dir.logs / "postgres.log"
            starts["postgres"] = self._start_postgres
        run_together(starts, self._echo)

    def _start_kafka(self) -> str:
        assert self._kafka is not None
        bootstrap = self._kafka.start(SERVER_TIMEOUT_S)
        self.settings = replace(self.settings, kafka_bootstrap_servers=bootstrap)
        return bootstrap

    def _start_postgres(self) -> str:
        assert self._postgres is not None
        url = self._postgres.start(SERVER_TIMEOUT_S)
        self.settings = replace(self.settings, database_url=url)
        return url.rpartition("@")[2]  # without the password

    def _prepare(self) -> None:
        from cli.preparation import apply_migrations, prepare_topics

        with self._timed("migrations") as done:
            applied = apply_migrations(self.settings)
            done(f"{len(applied)} applied")
        with self._timed("topics") as done:
            created = prepare_topics(self.settings)
            done(f"{len(created)} created")

    def _start_processes(self) -> None:
        """Start workers and API at the same time; report them in this order as they are ready."""
        started = time.monotonic()
        for role, agents in roles().items():
            count = self._workers_wanted if role == "stream" else 1
            for number in range(1, count + 1):
                self._start_worker(f"worker-{role}-{number}", agents)
        self._api = self._child("api", ["api"], self.settings)
        self._api.start()
        for child in self._workers:
            self._wait_ready(child, partial(has_line, child.log_path), WORKER_TIMEOUT_S)
            self._report(child.name, started, self._describe_worker(child))
        self._wait_ready(self._api, self._api_ready, API_TIMEOUT_S)
        self._report("api", started, f"process {self._api.pid}")

    def _start_worker(self, name: str, agents: tuple[str, ...]) -> None:
        # Mostly 0: the worker binds whatever is free, so nobody can take the port before it does.
        port = wanted_port(self.settings, len(self._workers))
        settings = replace(self.settings, metrics_port=port)
        child = self._child(name, ["worker", "--agents", ",".join(agents)], settings)
        self._workers.append(child)
        child.start()

    def _describe_worker(self, child: Child) -> str:
        self.check()
        url = metrics_url(child)
        self._metrics_urls[child.name] = url
        return f"process {child.pid}, metrics {url}"

    def _api_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _wait_ready(self, child: Child, ready: Callable[[], bool], timeout_s: float) -> None:
        def alive() -> bool:
            self.check()
            return True

        if not wait_for(ready, timeout_s, alive):
            raise ChildDiedError(
                f"{child.name} was not ready after {timeout_s:g} s; its log is {child.log_path}",
                child.tail(),
            )

    def _child(self, name: str, arguments: list[str], settings: Settings) -> Child:
        return Child(
            name,
            [sys.executable, "-m", "cli.main", *arguments],
            log_path=self.data_dir.logs / f"{name}.log",
            env={**os.environ, **environment_of(settings), "PYTHONUNBUFFERED": "1"},
            cwd=Path(__file__).resolve().parents[1],  # `-m` finds our packages first, not others'
        )

    def _children(self) -> list[Child]:
        servers = [self._kafka, self._postgres]
        own = [server.child for server in servers if server is not None]
        return [child for child in [*own, *self._workers, self._api] if child is not None]

    def _stop_servers(self) -> None:
        servers = [server for server in (self._kafka, self._postgres) if server is not None]
        threads = [
            threading.Thread(target=server.stop, args=(STOP_SERVERS_S,)) for server in servers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _publish(self, api_url: str) -> None:
        self.data_dir.write(
            RunningStack(
                pid=os.getpid(),
                pid_started_at_s=own_start_s(),
                started_at=datetime.now(UTC).isoformat(timespec="seconds"),
                kafka_bootstrap_servers=self.settings.kafka_bootstrap_servers,
                database_url=self.settings.database_url,
                secrets_key=self.settings.secrets_key,
                kafka_security=security_settings(self.settings),
                erasure_key=self.settings.erasure_key,
                api_url=api_url,
                pids={child.name: child.pid for child in self._children()},
                metrics_urls=self._metrics_urls,
            )
        )

    @contextmanager
    def _timed(self, name: str) -> Iterator[Callable[[str], None]]:
        started = time.monotonic()
        yield lambda detail: self._report(name, started, detail)

    def _report(self, name: str, started: float, detail: str) -> None:
        self._echo(line(name, time.monotonic() - started, detail))
