"""That Kafka has a delivery is recorded as soon as the database is there again."""

from contextlib import asynccontextmanager

import psycopg

from infra.postgres import webhook_deliveries
from infra.postgres.webhook_deliveries import DeliveryStore
from tests.support.waiting import wait_until_async


class Pool:
    def __init__(self) -> None:
        self.away = True
        self.tries = 0
        self.recorded: list[tuple[str, str]] = []

    @asynccontextmanager
    async def connection(self):
        self.tries += 1
        if self.away:
            raise psycopg.OperationalError("away")
        yield self

    async def execute(self, statement, columns) -> None:
        self.recorded += zip(*columns, strict=True)


async def test_it_is_tried_again_while_the_database_is_away(monkeypatch):
    monkeypatch.setattr(webhook_deliveries, "ACCEPT_GATHER_S", 0.0)
    monkeypatch.setattr(webhook_deliveries, "ACCEPTED_MAX", 2)
    pool = Pool()
    store = DeliveryStore(pool)
    for webhook_id in ("m1", "m2", "m3"):
        store.accept("acme", webhook_id)

    async def tried() -> bool:
        return pool.tries > 2

    await wait_until_async(tried, 30, "three tries")
    assert pool.recorded == []
    pool.away = False

    async def recorded() -> bool:
        return pool.recorded == [("acme", "m2"), ("acme", "m3")]  # the newest, no more than fit

    await wait_until_async(recorded, 30, "recorded")
    await store.close()


async def test_closing_does_not_wait_for_an_absent_database(monkeypatch):
    monkeypatch.setattr(webhook_deliveries, "ACCEPT_GATHER_S", 0.0)
    pool = Pool()
    store = DeliveryStore(pool)
    store.accept("acme", "m1")
    await store.close()
    assert pool.recorded == []
