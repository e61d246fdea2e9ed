"""The Kafka that a bench runs on: embedded on a scratch directory, or one that it is given."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.bench.processes import pin
from infra.embedded.kafka import EmbeddedKafka
from infra.kafka.cluster import Cluster
from infra.kafka.security import SECURITY_SETTINGS, VARIABLES
from infra.settings import FILE_SUFFIX

HEAP_MB = 768


@dataclass(frozen=True, slots=True)
class Broker:
    """Where Kafka listens; ``pid`` is None for a broker that the bench did not start."""

    cluster: Cluster
    pid: int | None

    def pin(self, core: int) -> None:
        """Pin the broker to one core, if it is ours."""
        if self.pid is not None:
            pin(self.pid, core)


@contextmanager
def bench_broker(bootstrap: str) -> Iterator[Broker]:
    """Yield a broker: the one at ``bootstrap``, or when empty an embedded one, removed afterwards.

    A bench writes to the topics of the catalogue after emptying them, so a given broker must not be
    one that anybody uses. It is spoken to in plain text.
    """
    if bootstrap:
        yield Broker(Cluster(bootstrap), None)
        return
    with tempfile.TemporaryDirectory(prefix="bench-kafka-") as directory:
        kafka = EmbeddedKafka(Path(directory), heap_mb=HEAP_MB)
        kafka.start()
        try:
            yield Broker(Cluster(kafka.bootstrap_servers), kafka.pid)
        finally:
            kafka.stop()


def environment_of_broker(cluster: Cluster) -> dict[str, str]:
    """Return what tells a process to use this broker, in plain text whatever is set otherwise."""
    names = [VARIABLES[name] for name in SECURITY_SETTINGS]
    unset = dict.fromkeys([*names, *(name + FILE_SUFFIX for name in names)], "")
    return {**unset, "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers}
