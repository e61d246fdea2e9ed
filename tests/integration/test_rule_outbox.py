"""A ranking rule and its audit entry where a process dies in between: never one without the other.

Method: the command runs in a process of its own that kills itself at one point. Rules are in a
topic that all tests of the session share; each test has one of its own, which goes at its end.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest
from aiokafka.errors import KafkaConnectionError
from click.testing import CliRunner

from cli.main import main
from cli.rule import change
from domain.audit import digest
from infra import rule_outbox
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from infra.kafka.compacted import write_rows
from infra.postgres.audit import AuditTrail
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.postgres.rule_changes import is_any_waiting, turn
from infra.rule_outbox import (
    RuleChange,
    publish_rules,
    send_in_turn,
    send_left_over,
    stored_rules,
)
from infra.settings import Settings
from schemas.codec import decode
from schemas.ranking_rule import RankingRule
from tests.support.waiting import wait_until_async
from tests.support.worker_process import ROOT
from topics.catalog import RANKING_RULES

# argv: the function that dies, 1 if it does its work first, then the command.
DIES = """
import os, signal, sys
from cli.main import main
from domain.audit import digest
from infra import rule_outbox
name, works, *command = sys.argv[1:]
real = getattr(rule_outbox, name)
async def dies(*arguments):
    if works == "1":
        await real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(rule_outbox, name, dies)
main(command)
"""


class World:
    """A database, the shared topic, and commands on both."""

    def __init__(self, bootstrap, url, pool, name, directory):
        self.cluster = Cluster(bootstrap)
        self.pool = pool
        self.name = name
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap, "DATABASE_URL": url,
            "MEDIA_GATEWAY_DATA_DIR": str(directory),
        }  # fmt: skip
        self.settings = Settings(kafka_bootstrap_servers=bootstrap, database_url=url)
        self.directory = directory

    def write_file(self, strength):
        """Write the rule of the test with this strength; return the file."""
        match = {"genres": ["Drama"]}
        given = {"rule_id": self.name, "action": "boost", "match": match, "strength": strength}
        file = self.directory / f"{strength}.json"
        file.write_text(json.dumps(given))
        return file

    async def put(self, strength):
        """Run the command to its end; return its result."""
        arguments = ["rule", "put", str(self.write_file(strength))]
        return await asyncio.to_thread(CliRunner(env=self.environment).invoke, main, arguments)

    async def put_and_die(self, strength, function, *, works):
        """Run the command in a process that kills itself in ``function``, after its work or not."""
        arguments = [function, str(int(works)), "rule", "put", str(self.write_file(strength))]
        command = [sys.executable, "-c", DIES, *arguments]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, env={**os.environ, **self.environment},
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr

    async def strength(self):
        """What the topic says: the strength of the rule, None where there is no rule."""
        rule = (await stored_rules(self.cluster)).get(self.name)
        return None if rule is None else rule.strength

    async def entries(self):
        return [each async for batch in AuditTrail(self.pool).entries() for each in batch]

    async def waits(self):
        """Whether a change waits; the turn of a killed process is over first."""
        async with turn(self.pool):
            return await is_any_waiting(self.pool)


@pytest.fixture
async def world(kafka_bootstrap, fresh_database_url, unique, tmp_path):
    migrate(fresh_database_url)
    await apply_topics(Cluster(kafka_bootstrap), replication_factor=1)
    async with create_pool(Settings(database_url=fresh_database_url)) as pool:
        made = World(kafka_bootstrap, fresh_database_url, pool, unique("rule"), tmp_path)
        yield made
    await write_rows(Cluster(kafka_bootstrap), RANKING_RULES, {made.name.encode(): None})


async def test_killed_before_the_commit_there_is_neither(world):
    await world.put_and_die(1, "append", works=True)
    assert not await world.waits()
    assert await world.entries() == []
    assert await world.strength() is None


@pytest.mark.parametrize("works", [False, True], ids=["before", "after"])
async def test_killed_around_the_sending_a_worker_sends_what_was_entered(world, works):
    await world.put_and_die(1, "write_rows", works=works)
    assert await world.waits()
    assert [(each.action, each.subject) for each in await world.entries()] == [
        ("rule.put", world.name)
    ]
    assert await world.strength() == (1 if works else None)
    chore = asyncio.create_task(publish_rules(world.pool, world.settings))

    async def nothing_waits():
        return not await world.waits()

    await wait_until_async(nothing_waits, 60, "the worker to send the change")
    chore.cancel()
    await asyncio.gather(chore, return_exceptions=True)
    assert await world.strength() == 1
    assert len(await world.entries()) == 1


async def test_the_next_command_sends_what_was_left_before_its_own(world):
    await world.put_and_die(1, "write_rows", works=False)
    result = await world.put(2)
    assert result.output == f"replaced {world.name}\n"
    assert not await world.waits()
    assert await world.strength() == 2
    first, second = await world.entries()
    assert first.after_sha256 == second.before_sha256  # it was judged on what was entered
    assert first.before_sha256 is None


async def test_a_change_that_kafka_did_not_take_is_kept_and_said_so(world, monkeypatch):
    async def away(*arguments):
        raise KafkaConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(rule_outbox, "write_rows", away)
        result = await world.put(1)
        assert result.exit_code == 1
        assert "the change is kept and in the audit trail" in result.output
        refused = await world.put(2)  # it cannot send what was left, so it begins nothing
        assert refused.exit_code == 1
        assert len(await world.entries()) == 1
    assert await world.waits()
    assert await send_in_turn(world.pool, world.cluster) == 1
    assert await world.strength() == 1


async def test_a_worker_leaves_the_turn_to_who_has_it(world):
    await world.put_and_die(1, "write_rows", works=False)
    async with turn(world.pool):
        assert await send_left_over(world.pool, world.cluster) == 0
    assert await send_left_over(world.pool, world.cluster) == 1
    assert await send_left_over(world.pool, world.cluster) == 0


async def test_changes_at_once_are_entered_in_the_order_in_which_they_hold(world):
    def put(strength):
        after = decode(RankingRule, world.write_file(strength).read_bytes())

        def decide(known):
            return [RuleChange(world.name, known.get(world.name), after)]

        return change(world.settings, decide)

    await asyncio.gather(*(put(strength) for strength in (1, 2, 3)))
    entries = await world.entries()
    after = [None, *(each.after_sha256 for each in entries)]
    assert [each.before_sha256 for each in entries] == after[:-1]
    rule = (await stored_rules(world.cluster))[world.name]
    assert digest(rule.model_dump(mode="json", exclude_none=True)) == entries[-1].after_sha256
