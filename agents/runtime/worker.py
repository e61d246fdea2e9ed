"""One worker process: several agents sharing a producer and a database pool."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prometheus_client import start_http_server

from agents.runtime.emitter import Emitter
from agents.runtime.fit import FitRunner
from agents.runtime.follow import FollowRunner
from agents.runtime.ready import READY_LINE
from agents.runtime.runner import Runner
from agents.runtime.sink import SinkRunner
from agents.runtime.stream import StreamRunner
from agents.spec import AgentSpec, FitAgent, FollowAgent, SinkAgent
from infra.settings import Settings

logger = logging.getLogger(__name__)

FIT_NICENESS = 19


def run_to_the_end(create: Callable[[], "Worker"]) -> int:
    """Run a worker until it is asked to stop (0) or the world breaks (1: the process ends here).

    After a failure nothing is awaited any more: tasks and threads of Faust and aiokafka may never
    end in a broken world, and a worker that lingers looks healthy.
    """

    async def run() -> int:
        status = await create().run()
        if status:
            logging.shutdown()
            os._exit(status)
        return status

    return asyncio.run(run())


def serve_metrics(settings: Settings) -> Any:
    """Serve /metrics on the port that is set, or on a free one if that is taken.

    Returns: the HTTP server; it runs in a thread of its own.
    """
    try:
        server, _ = start_http_server(settings.metrics_port, addr=settings.metrics_host)
    except OSError as error:
        logger.warning("metrics port %d: %s; using a free one", settings.metrics_port, error)
        server, _ = start_http_server(0, addr=settings.metrics_host)
    return server


class Worker:
    """All agents of one process, sharing a producer and a database pool.

    ``chores`` run beside the agents, for ever: what time alone changes, e.g. cleaning rows.
    """

    def __init__(
        self,
        settings: Settings,
        specs: Sequence[AgentSpec],
        pool: Any = None,
        chores: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._chores = chores
        self._settings = settings
        self._specs = specs
        self._pool = pool
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._runners: list[Runner] = []
        self._fits: list[FitRunner | FollowRunner] = []

    def fail(self, error: BaseException) -> None:
        """Stop the process: what happened cannot be handled here."""
        if self._failure is None:
            self._failure = error
            logger.critical("worker stops: %r", error, exc_info=error)
        self._stop.set()

    async def run(self) -> int:
        """Start, announce ``ready``, wait for the end, stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self._start()
        ready = asyncio.create_task(self._announce())
        endless = [*(fit.run for fit in self._fits), *self._chores]
        tasks = [asyncio.create_task(self._guard(work())) for work in endless]
        await self._stop.wait()
        for task in (ready, *tasks):
            task.cancel()
        await asyncio.gather(ready, *tasks, return_exceptions=True)
        if self._failure is not None:
            return 1
        return await self._drain()

    async def _start(self) -> None:
        logger.info("metrics on port %d", serve_metrics(self._settings).server_port)
        if self._specs and all(isinstance(spec, FitAgent | FollowAgent) for spec in self._specs):
            os.nice(FIT_NICENESS)  # nobody waits for a model as a viewer waits for a slate
        self._emitter = Emitter(self._settings)
        await self._emitter.start()
        if self._pool is not None:
            await self._pool.open()
        for spec in self._specs:
            self._add(spec)
        await asyncio.gather(*(runner.start() for runner in self._runners))

    def _add(self, spec: AgentSpec) -> None:
        if isinstance(spec, FitAgent):
            self._fits.append(FitRunner(spec, self._settings, self._emitter))
        elif isinstance(spec, FollowAgent):
            self._fits.append(FollowRunner(spec, self._settings, self._emitter))
        elif isinstance(spec, SinkAgent):
            self._runners.append(
                SinkRunner(spec, self._pool, self._settings, self._emitter, self.fail)
            )
        else:
            self._runners.append(StreamRunner(spec, self._settings, self._emitter, self.fail))

    async def _announce(self) -> None:
        everything: list[Runner | FitRunner | FollowRunner] = [*self._runners, *self._fits]
        for each in everything:
            await each.wait_ready()
        print(READY_LINE, flush=True)  # noqa: T201 -- the line that supervisors wait for

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.fail(error)

    async def _drain(self) -> int:
        outcomes = await asyncio.gather(
            *(runner.stop() for runner in self._runners), return_exceptions=True
        )
        for runner, outcome in zip(self._runners, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                logger.error("%s did not stop cleanly: %r", runner.name, outcome)
        await self._emitter.stop()
        if self._pool is not None:
            await self._pool.close()
        return int(self._failure is not None)
