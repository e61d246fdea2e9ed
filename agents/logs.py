"""Logging of a worker and of the processes that it fits in."""

import logging

from infra.settings import Settings

QUIET_LOGGERS = ("faust", "mode", "aiokafka", "agents.runtime.transport")
# Below WARNING Faust writes a line per service and rebalance step.


def configure_logging(settings: Settings) -> None:
    """Log to stderr in one line per message."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
