"""Ranking rules -> ranking_rule_changes -> [outbox] -> catalogue.ranking-rules.

Rules live in Kafka and the audit trail in Postgres, which share no transaction. So a change is kept
in Postgres first, in one transaction with its entry, then sent, then forgotten. A process that
dies before the first commit has changed nothing; one that dies later leaves a change that the next
one sends, once more if Kafka had it already: a rule is a whole value, so that changes nothing.

One process at a time has its turn, by a lock of the database, so changes reach Kafka in the order
of their entries. A process that loses its database while it sends loses the lock as well: what it
sends after that can undo a later change of the same rule, for as long as its client tries (40 s).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka.errors import KafkaError

from infra.kafka.cluster import Cluster, cluster_of
from infra.kafka.compacted import read_rows, write_rows
from infra.postgres.audit import Actor, Connection, append
from infra.postgres.pool import UNAVAILABLE, Pool
from infra.postgres.rule_changes import add, forget, is_any_waiting, turn, turn_if_free, waiting
from infra.settings import Settings
from schemas.audit_entry import AuditAction
from schemas.codec import decode, encode
from schemas.ranking_rule import RankingRule
from topics.catalog import RANKING_RULES

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
RETRY_S = 5.0
AWAY: tuple[type[Exception], ...] = (*UNAVAILABLE, KafkaError)


class RuleChange(NamedTuple):
    """What a rule was and what it is to be; None: there is none."""

    rule_id: str
    before: RankingRule | None
    after: RankingRule | None


async def stored_rules(cluster: Cluster) -> dict[str, RankingRule]:
    """Return the rules that Kafka has, by id.

    Raises:
        TopicsError: the cluster does not answer, or lacks the topic.
    """
    rows = await read_rows(cluster, RANKING_RULES)
    rules = (decode(RankingRule, rows[key]) for key in sorted(rows))
    return {each.rule_id: each for each in rules}


async def enter(connection: Connection, actor: Actor, changes: Sequence[RuleChange]) -> None:
    """Keep changes to be sent, each with its audit entry; ``connection`` is that of a turn."""
    for each in changes:
        await add(connection, each.rule_id, None if each.after is None else encode(each.after))
    for each in changes:
        action: AuditAction = "rule.remove" if each.after is None else "rule.put"
        before, after = (
            None if rule is None else rule.model_dump(mode="json", exclude_none=True)
            for rule in (each.before, each.after)
        )
        await append(connection, actor, action, each.rule_id, before, after)


async def send_waiting(connection: Connection, cluster: Cluster) -> int:
    """Send what waits and forget it; ``connection`` is that of a turn. Return how many changes.

    Raises:
        KafkaError: not all were acknowledged; all of them go on waiting.
    """
    changes = await waiting(connection)
    if changes:
        rows = {each.rule_id.encode(): each.body for each in changes}  # of one rule the last
        await write_rows(cluster, RANKING_RULES, rows)
        await forget(connection, changes)
    return len(changes)


async def send_in_turn(pool: Pool, cluster: Cluster) -> int:
    """Wait for a turn, send what waits, and return how many changes; raises as ``send_waiting``."""
    async with turn(pool) as connection:
        return await send_waiting(connection, cluster)


async def send_left_over(pool: Pool, cluster: Cluster) -> int:
    """Send what waits unless another process is at it; raises as ``send_waiting``."""
    if not await is_any_waiting(pool):
        return 0
    async with turn_if_free(pool) as connection:
        return 0 if connection is None else await send_waiting(connection, cluster)


async def publish_rules(pool: Pool, settings: Settings) -> None:
    """Send what commands have left, every second until cancelled; waits for an absent server."""
    while True:
        pause_s = INTERVAL_S
        try:
            await send_left_over(pool, cluster_of(settings))
        except AWAY as error:
            log.warning("changes of ranking rules wait to be sent: %s", type(error).__name__)
            pause_s = RETRY_S
        await asyncio.sleep(pause_s)
