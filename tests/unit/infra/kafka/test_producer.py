"""The producer of the API connects again whatever its client raises."""

import asyncio

import pytest

from infra.kafka import producer as module
from infra.kafka.cluster import Cluster
from infra.kafka.producer import EventProducer
from tests.support.waiting import wait_until_async


class Client:
    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.stopped = False

    async def start(self) -> None:
        if self.error is not None:
            raise self.error

    async def stop(self) -> None:
        self.stopped = True


@pytest.mark.parametrize(
    "error", [ValueError("wrong signature"), UnicodeError("label empty"), OSError("away")]
)
async def test_an_error_that_the_client_does_not_document_ends_nothing(monkeypatch, error, caplog):
    clients = [Client(error), Client(None)]
    waiting = list(clients)
    monkeypatch.setattr(module, "new_producer", lambda cluster, **options: waiting.pop(0))
    monkeypatch.setattr(module, "RECONNECT_DELAY_S", 0.0)
    producer = EventProducer(Cluster("localhost:1"), timeout_ms=5000, linger_ms=0)
    await producer.start(wait_s=0.0)

    async def connected() -> bool:
        return producer.connected

    await wait_until_async(connected, 30, "connected")
    assert clients[0].stopped
    assert str(error) in caplog.text
    await asyncio.wait_for(producer.stop(), 30)
    assert clients[1].stopped
