"""The Kafka that a bench runs on: embedded on a scratch directory, or one that it is given."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.bench.processes import pin
from infra.embedded.kafka import EmbeddedKafka

HEAP_MB = 768


@dataclass(frozen=True, slots=True)
class Broker:
    """Where Kafka listens; ``pid`` is None for a broker that the bench did not start."""

    bootstrap: str
    pid: int | None

    def pin(self, core: int) -> None:
        """Pin the broker to one core, if it is ours."""
        if self.pid is not None:
            pin(self.pid, core)


@contextmanager
def bench_broker(bootstrap: str) -> Iterator[Broker]:
    """Yield a broker: the one at ``bootstrap``, or when empty an embedded one, removed afterwards.

    A bench writes to the topics of the catalogue after emptying them, so a given broker must not be
    one that anybody uses.
    """
    if bootstrap:
        yield Broker(bootstrap, None)
        return
    with tempfile.TemporaryDirectory(prefix="bench-kafka-") as directory:
        kafka = EmbeddedKafka(Path(directory), heap_mb=HEAP_MB)
        kafka.start()
        try:
            yield Broker(kafka.bootstrap_servers, kafka.pid)
        finally:
            kafka.stop()
