"""Runs a ``FitAgent``: follow topics, refit in another process, publish what changed."""

import asyncio
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from agents.logs import configure_logging
from agents.runtime.emitter import Emitter
from agents.runtime.replica import ReplicaReader
from agents.spec import FitAgent, Record
from infra.embedded.exec_guard import die_with
from infra.kafka.cluster import cluster_of
from infra.metrics import AGENT_EMITTED, AGENT_RECORDS, FIT_AGE, FIT_SECONDS
from infra.settings import Settings
from topics.spec import TopicSpec

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.5


def enter_fitting_process(worker: int, niceness: int, settings: Settings) -> None:
    """Make this process end with the worker, even by kill -9, yield to the others, and log."""
    die_with(worker, signal.SIGKILL)
    os.nice(niceness)
    configure_logging(settings)


class FitRunner:
    """One fit agent in one process; the fit itself runs in a child process, off the event loop."""

    def __init__(self, agent: FitAgent, settings: Settings, emitter: Emitter) -> None:
        self.agent = agent
        self.name = agent.name
        self._interval_s = agent.interval_s(settings)
        self._emitter = emitter
        self._fitter = agent.create_fitter(settings)
        self._reader = ReplicaReader(cluster_of(settings), agent.sources, self._deliver)
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(
            max_workers=1,
            mp_context=context,
            initializer=enter_fitting_process,
            initargs=(os.getpid(), agent.niceness, settings),
        )

    def _deliver(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        AGENT_RECORDS.labels(self.name).inc(len(records))
        self._fitter.on_replica(topic, records)

    async def wait_ready(self) -> None:
        """Ready when the sources were read whole."""
        await self._reader.complete.wait()

    async def run(self) -> None:
        """Follow and fit until cancelled."""
        reader = asyncio.create_task(self._reader.run())
        fits = asyncio.create_task(self._fit_forever())
        try:
            done, _ = await asyncio.wait({reader, fits}, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (reader, fits):
                task.cancel()
            await asyncio.gather(reader, fits, return_exceptions=True)
            self._end_children()

    def _end_children(self) -> None:
        """End a fit in progress: it holds no state, and waiting for it would outlast a stop."""
        children = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.kill()

    async def _fit_forever(self) -> None:
        await self._reader.complete.wait()
        fitted_at = time.monotonic()
        next_at = fitted_at
        while True:
            FIT_AGE.labels(self.name).set(time.monotonic() - fitted_at)
            if time.monotonic() < next_at or not self._fitter.changed():
                await asyncio.sleep(CHECK_INTERVAL_S)
                continue
            started = time.monotonic()
            await self._fit()
            fitted_at = time.monotonic()
            next_at = started + self._interval_s
            FIT_SECONDS.labels(self.name).observe(fitted_at - started)

    async def _fit(self) -> None:
        function, arguments = self._fitter.job()
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._executor, function, *arguments)
        except BrokenProcessPool as error:
            raise RuntimeError(f"{self.name}: the fitting process died") from error
        emits = self._fitter.on_fitted(result)
        for emit in emits:
            AGENT_EMITTED.labels(self.name, emit.topic.name).inc()
        await asyncio.gather(*await self._emitter.emit(emits))
        logger.info("%s published %d rows", self.name, len(emits))
