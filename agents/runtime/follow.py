"""Runs a ``FollowAgent``: follow topics, work tick by tick, publish what it decides."""

import asyncio
from collections.abc import Sequence

from agents.runtime.emitter import Emitter
from agents.runtime.replica import ReplicaReader
from agents.spec import FollowAgent, Record
from infra.kafka.cluster import cluster_of
from infra.metrics import AGENT_BATCH_SECONDS, AGENT_EMITTED, AGENT_RECORDS
from infra.settings import Settings
from infra.wall_clock import now_ms
from topics.spec import TopicSpec


class FollowRunner:
    """One follow agent in one process."""

    def __init__(self, agent: FollowAgent, settings: Settings, emitter: Emitter) -> None:
        self.agent = agent
        self.name = agent.name
        self._emitter = emitter
        self._follower = agent.create_follower(settings)
        self._reader = ReplicaReader(cluster_of(settings), agent.sources, self._deliver)

    def _deliver(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        AGENT_RECORDS.labels(self.name).inc(len(records))
        self._follower.on_replica(topic, records)

    async def wait_ready(self) -> None:
        """Ready when the sources were read whole."""
        await self._reader.complete.wait()

    async def run(self) -> None:
        """Follow and work until cancelled."""
        reader = asyncio.create_task(self._reader.run())
        ticks = asyncio.create_task(self._tick_forever())
        try:
            done, _ = await asyncio.wait({reader, ticks}, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (reader, ticks):
                task.cancel()
            await asyncio.gather(reader, ticks, return_exceptions=True)

    async def _tick_forever(self) -> None:
        await self._reader.complete.wait()
        while True:
            with AGENT_BATCH_SECONDS.labels(self.name).time():
                emits = self._follower.on_tick(now_ms())
            for emit in emits:
                AGENT_EMITTED.labels(self.name, emit.topic.name).inc()
            await asyncio.gather(*await self._emitter.emit(emits))
            await asyncio.sleep(0 if self._follower.busy() else self.agent.tick_s)
