"""The jars of Apache Kafka: named and hashed in ``kafka-jars.lock``, fetched once, verified always.

Resolving dependencies takes a resolver 15 s and can change with the registry; the lock file needs
neither. It has one line a jar: ``group:artifact:version sha256``. ``write_lock`` makes it anew.
"""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import KafkaStartError

KAFKA_VERSION = "4.3.0"
# The broker, and a logging backend that needs no configuration file of its own.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-jdk14:1.7.36"
LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
DOWNLOADS_AT_ONCE = 6
DOWNLOAD_TIMEOUT_S = 30
LINE = re.compile(
    r"(?P<group>[\w.\-]+):(?P<artifact>[\w.\-]+):(?P<version>[\w.\-]+) (?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """Read a lock file.

    Raises:
        KafkaStartError: a line cannot be read, or there is none.
    """
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    jars = []
    for line in lines:
        match = LINE.fullmatch(line)
        if match is None:
            raise KafkaStartError(f"{path.name} has a line that cannot be read: {line!r}")
        jars.append(Jar(**match.groupdict()))
    if not jars:
        raise KafkaStartError(f"{path.name} lists no jar")
    return jars


def ensure_jars(
    cache_dir: Path, jars: Sequence[Jar], cancelled: threading.Event | None = None
) -> list[Path]:
    """Return the paths of ``jars`` in the cache, after fetching what is missing and hashing all.

    Raises:
        KafkaStartError: one cannot be fetched, or has other bytes than the lock file says.
    """
    folder = cache_dir / f"kafka-{KAFKA_VERSION}"
    paths = [folder / jar.file_name for jar in jars]
    missing = [jar for jar, path in zip(jars, paths, strict=True) if not path.exists()]
    if missing:
        download(missing, folder, cancelled or threading.Event())
    for jar, path in zip(jars, paths, strict=True):
        verify(jar, path)
    return paths


def verify(jar: Jar, path: Path) -> None:
    """Compare a file with the lock.

    Raises:
        KafkaStartError: the bytes differ.
    """
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != jar.sha256:
        raise KafkaStartError(
            f"{path} has SHA-256 {actual}, the lock file says {jar.sha256}: delete the file and "
            "start again"
        )


def download(jars: Sequence[Jar], folder: Path, cancelled: threading.Event) -> None:
    """Fetch jars from Maven Central; each appears in ``folder`` whole and verified or not at all.

    Raises:
        KafkaStartError: one cannot be fetched or has other bytes than the lock file says.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch,
            ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
        ):
            jobs = [pool.submit(download_one, jar, Path(scratch), cancelled) for jar in jars]
            try:
                for jar, job in zip(jars, jobs, strict=True):
                    os.replace(job.result(), folder / jar.file_name)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except OSError as problem:
        raise KafkaStartError(f"the jars cannot be stored in {folder}: {problem}") from problem


def download_one(jar: Jar, scratch: Path, cancelled: threading.Event) -> Path:
    """Fetch and verify one jar; return where it is."""
    from jgo.maven import MavenContext
    from requests import RequestException

    if cancelled.is_set():
        raise KafkaStartError("Kafka was stopped while its jars were fetched")
    context = MavenContext(repo_cache=scratch, local_repos=[], timeout=DOWNLOAD_TIMEOUT_S)
    try:
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        fetched = Path(component.artifact().resolve())
    except (RequestException, RuntimeError) as problem:
        raise KafkaStartError(
            f"{jar.group}:{jar.artifact}:{jar.version} cannot be fetched from Maven Central "
            f"({type(problem).__name__}): check the network, or set KAFKA_BOOTSTRAP_SERVERS to a "
            "Kafka that runs already"
        ) from problem
    verify(jar, fetched)
    return fetched


def write_lock(path: Path = LOCK_FILE) -> None:
    """Resolve ``ENDPOINT`` anew and write the lock file: the way to another version of Kafka."""
    import jgo

    jars = []
    for item in jgo.resolve(ENDPOINT):
        digest = hashlib.sha256(item.resolve().read_bytes()).hexdigest()
        jars.append(Jar(item.groupId, item.artifactId, item.version, digest))
    path.write_text(format_lock(jars))


def format_lock(jars: Iterable[Jar]) -> str:
    """Return the text of a lock file, sorted."""
    lines = sorted(f"{jar.group}:{jar.artifact}:{jar.version} {jar.sha256}" for jar in jars)
    head = f"# Jars of Apache Kafka {KAFKA_VERSION}: group:artifact:version sha256"
    return "\n".join([head, *lines, ""])
