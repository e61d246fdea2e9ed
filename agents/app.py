"""The worker process: composition of agents, runtime and adapters."""

import asyncio
import logging
import os
from collections.abc import Sequence
from functools import partial

from agents.registry import by_name
from agents.runtime.worker import Worker
from agents.spec import SinkAgent
from infra.garbage import collect_garbage_rarely
from infra.postgres.housekeeping import keep_house
from infra.postgres.pool import create_pool
from infra.settings import Settings
from infra.wall_clock import now_ms

QUIET_LOGGERS = ("faust", "mode", "aiokafka", "agents.runtime.transport")
# Below WARNING Faust writes a line per service and rebalance step.


def run_worker(settings: Settings, agents: Sequence[str]) -> int:
    """Run the named agents until SIGTERM or SIGINT; return the exit status.

    0: drained, committed and stopped. 1: the world broke (Kafka or Postgres away too long, a
    rejected record of our own): what is not committed will be redelivered.
    """
    configure_logging(settings)
    specs = [by_name(name) for name in agents]
    needs_database = any(isinstance(spec, SinkAgent) for spec in specs)

    collect_garbage_rarely()

    async def run() -> int:
        if not needs_database:
            return await Worker(settings, specs).run()
        pool = create_pool(settings)
        chores = [partial(keep_house, pool, settings, now_ms)]
        return await Worker(settings, specs, pool, chores).run()

    status = asyncio.run(run())
    if status:
        # Faust and aiokafka threads may hang on a broken world; the process must not.
        logging.shutdown()
        os._exit(status)
    return status


def configure_logging(settings: Settings) -> None:
    """Log to stderr in one line per message."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
