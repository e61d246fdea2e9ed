"""Contestant: this project's own worker, exactly as ``media-gateway worker`` composes it.

The only difference is that the first batch notes the clock, as in the other contestants.
"""

import asyncio
import os
import sys
from dataclasses import replace

from agents.logs import configure_logging
from agents.runtime.worker import Worker
from agents.watch_states import SPEC
from cli.bench.contestant import ContestantConfig, new_step
from infra.settings import Settings


def main() -> int:
    """Run the watch-states worker until SIGTERM; return its exit status."""
    config = ContestantConfig.from_env()
    settings = Settings.from_env(os.environ)
    configure_logging(settings)
    spec = replace(SPEC, create_step=lambda _: new_step(config))
    return asyncio.run(Worker(settings, [spec]).run())


if __name__ == "__main__":
    sys.exit(main())
