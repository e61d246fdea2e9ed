"""Runs a ``SinkAgent``: batches in, one awaited write each, then the offsets."""

import asyncio
import logging
import time
from typing import Any

import psycopg

from agents.runtime.emitter import Emitter
from agents.runtime.runner import Fail, Runner
from agents.runtime.transport import Poll
from agents.spec import Record, SinkAgent
from infra.metrics import (
    AGENT_APPLIED,
    AGENT_BATCH_SECONDS,
    AGENT_BATCH_SIZE,
    AGENT_RECORDS,
)  # fmt: skip
from infra.security.pseudonyms import Pseudonyms
from infra.settings import Settings

logger = logging.getLogger(__name__)

RETRY_FIRST_S = 0.2
RETRY_MAX_S = 5.0
OUTAGE_MAX_S = 120.0  # longer than a database failover; then stop and be redelivered


class SinkRunner(Runner):
    """One sink agent in one process."""

    def __init__(
        self, agent: SinkAgent, pool: Any, settings: Settings, emitter: Emitter, fail: Fail
    ) -> None:
        self.agent = agent
        self.gather_ms = agent.gather_ms
        self._pool = pool
        by_user = {"pseudonyms": Pseudonyms(settings.erasure_key)}
        self._options: dict[str, Any] = by_user if agent.by_user else {}
        super().__init__(agent.name, agent.source, settings, emitter, fail)

    async def process(self, poll: Poll) -> None:
        """Write everything the poll brought in one transaction."""
        records: list[Record] = []
        for partition, fetched in poll.partitions:
            records += self.fresh(partition, fetched)
        if not records:
            return
        started = time.perf_counter()
        await self._write(records)
        AGENT_BATCH_SECONDS.labels(self.name).observe(time.perf_counter() - started)
        for partition, fetched in poll.partitions:
            self.advance(partition, fetched[-1].offset + 1)
        AGENT_RECORDS.labels(self.name).inc(len(records))
        AGENT_APPLIED.labels(self.name).inc(len(records))
        AGENT_BATCH_SIZE.labels(self.name).observe(len(records))

    async def _write(self, records: list[Record]) -> None:
        """Write, waiting out a database outage: the partition stands still, nothing is dropped."""
        deadline = time.monotonic() + OUTAGE_MAX_S
        delay_s = RETRY_FIRST_S
        while True:
            try:
                rejects = await self.agent.flush(self._pool, records, **self._options)
                break
            except (psycopg.OperationalError, OSError) as error:
                if time.monotonic() + delay_s > deadline or self._suspended:
                    raise
                logger.warning("%s waits for Postgres: %s", self.name, error)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)
        if rejects:
            first = rejects[0]
            raise AssertionError(
                f"{self.name}: {len(rejects)} records of our own topic {self.source.name} "
                f"cannot be read, first {first.record.partition}@{first.record.offset}: "
                f"{first.detail}"
            )

    async def make_durable(self, positions: dict[int, int]) -> None:
        """Every processed batch is in Postgres already."""
