"""A real Apache Kafka broker (KRaft, one node, loopback) as a child process.

    with EmbeddedKafka(Path("media-gateway-data/kafka")) as kafka:
        print(kafka.bootstrap_servers)

The data directory is kept between runs: topics, offsets and the cluster id live there.
"""

import base64
import re
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Self

from infra.embedded.errors import KafkaStartError
from infra.embedded.jars import ensure_jars, read_lock
from infra.embedded.java import find_java
from infra.embedded.kafka_probe import broker_is_ready
from infra.embedded.process import (
    BIND_FAILURE,
    LOOPBACK,
    PORT_RETRIES,
    TAIL_LINES,
    Child,
    free_port,
    make_directory,
    port_is_free,
    require_disk,
    wait_for,
)

CACHE_DIR = Path("~/.cache/media-gateway")
DISK_FREE_MB = 512
FORMAT_TIMEOUT_S = 60

# Small and quick on a laptop; everything about durability is Kafka's default.
SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_dir}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=33554432
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
"""
LOGGING_PROPERTIES = """\
handlers=java.util.logging.ConsoleHandler
java.util.logging.ConsoleHandler.level=ALL
java.util.logging.ConsoleHandler.formatter=java.util.logging.SimpleFormatter
java.util.logging.SimpleFormatter.format=%1$tF %1$tT.%1$tL %4$s %3$s: %5$s%6$s%n
.level=WARNING
kafka.server.KafkaRaftServer.level=INFO
kafka.log.LogManager.level=INFO
org.apache.kafka.storage.internals.log.LogManager.level=INFO
"""


def other_port(port: int, choose: Callable[[], int]) -> int:
    """Return a port that is not ``port``: a free one may be chosen twice."""
    found = choose()
    while found == port:
        found = choose()
    return found


class EmbeddedKafka:
    """One broker with its data in ``data_dir``.

    Args:
        data_dir: topics, cluster id and log; made if absent, kept between runs.
        port: loopback port of the broker; None: a free one, another one each time.
        heap_mb: Java heap, MiB.
        cache_dir: where the jars are kept, shared by all data directories.
        java: Java executable to use; None: see ``infra.embedded.java``.
        choose_port: gives the ports that were not requested: the controller's and, without
            ``port``, the broker's.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        heap_mb: int = 512,
        cache_dir: Path = CACHE_DIR,
        java: Path | None = None,
        choose_port: Callable[[], int] = free_port,
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.log_path = self.data_dir / "kafka.log"
        self._port = port
        self._heap_mb = heap_mb
        self._cache_dir = cache_dir.expanduser().absolute()
        self._java = java
        self._choose_port = choose_port
        self._child: Child | None = None
        self._stopped = threading.Event()
        self._bootstrap = ""

    @property
    def bootstrap_servers(self) -> str:
        """``host:port`` of the running broker; empty before the start."""
        return self._bootstrap

    @property
    def pid(self) -> int:
        """Process id of the broker; 0 before the start."""
        return self._child.pid if self._child else 0

    @property
    def child(self) -> Child | None:
        """The broker's process, to be watched."""
        return self._child

    def start(self, timeout_s: float = 60) -> str:
        """Start the broker and wait until it takes requests.

        A port that was not requested and is taken before the broker binds it is replaced, up to
        three times.

        Returns:
            The bootstrap servers, ``127.0.0.1:PORT``.

        One object starts once; after ``stop`` make another.

        Raises:
            KafkaStartError: with one sentence on the cause and the last log lines.
        """
        make_directory(self.data_dir, KafkaStartError)
        require_disk(self.data_dir, DISK_FREE_MB, KafkaStartError)
        if self._port is not None and not port_is_free(self._port):
            raise KafkaStartError(f"port {self._port} is in use: Kafka cannot listen on it")
        java = find_java(self._java)
        jars = ensure_jars(self._cache_dir, read_lock(), self._stopped)
        self._run(java, jars, timeout_s)
        return self._bootstrap

    def stop(self, timeout_s: float = 10) -> bool:
        """Stop the broker, by force after ``timeout_s``. Returns whether it ended in order."""
        self._stopped.set()
        return self._child.stop(timeout_s) if self._child else True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, java: Path, jars: list[Path], timeout_s: float) -> None:
        class_path = ":".join(str(jar) for jar in jars)
        self._format(java, class_path)
        for _ in range(PORT_RETRIES):
            try:
                return self._launch(java, class_path, timeout_s)
            except KafkaStartError:
                if not self._lost_a_chosen_port():
                    raise
        return self._launch(java, class_path, timeout_s)

    def _launch(self, java: Path, class_path: str, timeout_s: float) -> None:
        port = self._port or self._choose_port()
        ports = (port, other_port(port, self._choose_port))
        properties = self._write_configuration(ports, "server.properties", "log")
        self._child = Child(
            "kafka",
            [
                str(java),
                f"-Xmx{self._heap_mb}m",
                "-XX:+UseSerialGC",  # two cores, small heap: less memory and start time than G1
                "-XX:+ExitOnOutOfMemoryError",
                "-Xshare:auto",
                f"-Djava.util.logging.config.file={self.data_dir / 'logging.properties'}",
                "-cp", class_path, "kafka.Kafka", str(properties),
            ],
            log_path=self.log_path,
        )  # fmt: skip
        if self._stopped.is_set():
            raise KafkaStartError("Kafka was stopped while starting")
        self._child.start()
        self._wait_until_ready(port, timeout_s)
        self._bootstrap = f"{LOOPBACK}:{port}"

    def _wait_until_ready(self, port: int, timeout_s: float) -> None:
        child = self._child
        assert child is not None

        def is_ready() -> bool:  # what answers on the port may be another broker
            return (LOOPBACK, port) in child.listening() and broker_is_ready(LOOPBACK, port)

        try:
            ready = wait_for(is_ready, timeout_s, child.running)
        except BaseException:
            child.stop(0)
            raise
        if ready:
            return
        code = child.exit_code()
        child.stop(0)
        raise KafkaStartError(self._why(code, timeout_s), child.tail())

    def _lost_a_chosen_port(self) -> bool:
        """Whether the broker just ended because a port that was not requested was taken."""
        if self._stopped.is_set():
            return False
        log = self.log_path.read_text(errors="replace")
        requested = f"bind to {LOOPBACK}:{self._port}:" in log
        return BIND_FAILURE in log and not requested

    def _why(self, exit_code: int | None, timeout_s: float) -> str:
        log = self.log_path.read_text(errors="replace")
        if self._lost_a_chosen_port():
            return "Kafka could not start: other processes keep taking the free ports it chooses"
        if BIND_FAILURE in log:
            return "Kafka could not start: a port it was given is in use"
        if "No space left on device" in log:
            return f"Kafka could not start: no disk space left under {self.data_dir}"
        if re.search(r"Failed to acquire lock on file", log):
            return f"Kafka could not start: another broker uses {self.data_dir}"
        if exit_code is None:
            return f"Kafka was not ready after {timeout_s:g} s; its log is {self.log_path}"
        return f"Kafka ended with code {exit_code} while starting; its log is {self.log_path}"

    def _write_configuration(self, ports: tuple[int, int], name: str, log_dir: str) -> Path:
        (self.data_dir / "logging.properties").write_text(LOGGING_PROPERTIES)
        properties = self.data_dir / name
        properties.write_text(
            SERVER_PROPERTIES.format(
                host=LOOPBACK,
                port=ports[0],
                controller_port=ports[1],
                log_dir=self.data_dir / log_dir,
            )
        )
        return properties

    def _format(self, java: Path, class_path: str) -> None:
        """Prepare the storage beside its place and move it there whole."""
        if (self.data_dir / "log").exists():
            return
        fresh = self.data_dir / "log.new"
        shutil.rmtree(fresh, ignore_errors=True)
        port = free_port()  # needed in the file; formatting listens nowhere
        nowhere = (port, other_port(port, free_port))
        properties = self._write_configuration(nowhere, "format.properties", fresh.name)
        command = [
            str(java), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-cp", class_path,
            "kafka.tools.StorageTool", "format", "-t", self._cluster_id(), "-c", str(properties),
        ]  # fmt: skip
        try:
            answer = subprocess.run(  # noqa: S603  our own command, no shell
                command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise KafkaStartError(f"Kafka's storage could not be prepared: {problem}") from problem
        if answer.returncode != 0:
            lines = (answer.stdout + answer.stderr).splitlines()[-TAIL_LINES:]
            raise KafkaStartError("Kafka's storage could not be prepared", lines)
        fresh.rename(self.data_dir / "log")

    def _cluster_id(self) -> str:
        """Return the id kept in the data directory; a new one the first time."""
        path = self.data_dir / "cluster-id"
        if not path.exists():
            # As Kafka's Uuid: 16 bytes in URL-safe base64; none may start with a dash (an option).
            fresh = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            path.write_text("M" + fresh[1:])
        return path.read_text()
