"""The worker process: composition of agents, runtime and adapters."""

import sys
from collections.abc import Sequence
from functools import partial

from agents.logs import configure_logging
from agents.registry import by_name
from agents.runtime.worker import Worker, run_to_the_end
from agents.spec import SinkAgent
from infra.audit_outbox import publish_audit
from infra.garbage import collect_garbage_rarely
from infra.postgres.housekeeping import count_dead_letters, keep_house
from infra.postgres.pool import create_pool
from infra.rule_outbox import publish_rules
from infra.settings import Settings
from infra.unprotected import warn_of_unprotected
from infra.wall_clock import now_ms

# Threads that pickle what a fit takes and returns, and the one that serves metrics, may keep the
# interpreter this long from the agents. Python's 5 ms are seen in the slowest slates.
SWITCH_S = 0.0005


def run_worker(settings: Settings, agents: Sequence[str]) -> int:
    """Run the named agents until SIGTERM or SIGINT; return the exit status.

    0: drained, committed and stopped. 1: the world broke (Kafka or Postgres away too long, a
    rejected record of our own): what is not committed will be redelivered.
    """
    configure_logging(settings)
    warn_of_unprotected(settings)
    specs = [by_name(name) for name in agents]
    collect_garbage_rarely()
    sys.setswitchinterval(SWITCH_S)

    def create() -> Worker:
        if not any(isinstance(spec, SinkAgent) for spec in specs):
            return Worker(settings, specs)
        pool = create_pool(settings)
        chores = [
            partial(keep_house, pool, settings, now_ms),
            partial(publish_audit, pool, settings),
            partial(publish_rules, pool, settings),
            partial(count_dead_letters, pool),
        ]
        return Worker(settings, specs, pool, chores)

    return run_to_the_end(create)
