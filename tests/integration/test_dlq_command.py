"""The dlq command against a real Postgres: a filter alone changes nothing."""

import asyncio
import json
import time

import psycopg
import pytest
from click.testing import CliRunner

from cli.main import main
from infra import metrics
from infra.postgres import housekeeping
from infra.postgres.housekeeping import count_dead_letters, tidy
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.settings import Settings
from schemas.times import DAY_MS
from tests.integration.test_postgres_dead_letters import flush, letter
from tests.support.waiting import wait_until_async
from topics.catalog import PROGRESS, WEBHOOKS

PAYLOAD = b'{"partner":"acme","event_id":"e-1","title":"\xc3\x9cber"}'


@pytest.fixture
def url(fresh_database_url):
    migrate(fresh_database_url)
    return fresh_database_url


@pytest.fixture
def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def put(url):
    def put_letters(*letters):
        async def write():
            async with create_pool(Settings(database_url=url)) as pool:
                await flush(pool, *letters)

        asyncio.run(write())
        with psycopg.connect(url) as connection:
            return dict(
                connection.execute("SELECT source_offset, letter_id FROM dead_letters").fetchall()
            )

    return put_letters


@pytest.fixture
def dlq(url, tmp_path):
    def invoke(*arguments, status=0):
        environment = {"DATABASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
        runner = CliRunner(env=environment)
        result = runner.invoke(main, ["dlq", *map(str, arguments), "--data-dir", str(tmp_path)])
        assert result.exit_code == status, result.output
        return result

    return invoke


def listed(dlq, *arguments):
    lines = dlq("list", "--json", *arguments).stdout.splitlines()
    return [json.loads(line)["source_offset"] for line in lines]


def test_letters_are_listed_by_filter_and_shown_whole(put, dlq, now_ms):
    ids = put(
        letter(1, value=PAYLOAD, failed_at_ms=now_ms - 2 * DAY_MS),
        letter(2, key=b"globex|m", value=b"\xff\0", reason="decode", failed_at_ms=now_ms - 1000),
        letter(3, PROGRESS, b"user-1", None, reason="step", failed_at_ms=now_ms),
    )
    assert listed(dlq) == [3, 2, 1]
    assert listed(dlq, "--limit", 1) == [3]
    assert listed(dlq, "--partner", "globex") == [2]
    assert listed(dlq, "--topic", WEBHOOKS.name, "--reason", "rule") == [1]
    assert listed(dlq, "--since", "24h") == [3, 2]
    assert listed(dlq, "--until", "24h") == [1]
    assert listed(dlq, "--state", "discarded") == []
    table = dlq("list", "--limit", 1).stdout
    assert PROGRESS.name in table
    assert "there may be more" in table
    page = dlq("show", ids[1]).stdout
    assert '"title": "Über"' in page
    assert "dlq.reason: rule" in page
    assert f"record     {WEBHOOKS.name} partition 0 offset 1" in page
    assert dlq("show", ids[1], "--raw").stdout_bytes == PAYLOAD
    assert dlq("show", ids[2], "--raw").stdout_bytes == b"\xff\0"
    assert "00000000  ff 00" in dlq("show", ids[2]).stdout
    assert dlq("show", ids[3], "--raw").stdout_bytes == b""
    data = json.loads(dlq("show", ids[3], "--json").stdout)
    assert (data["user_id"], data["value_base64"]) == ("user-1", None)
    assert "no dead letter has the id" in dlq("show", 10**9, status=1).output


def test_a_filter_alone_discards_nothing_and_ids_or_yes_do(put, dlq, now_ms):
    ids = put(*(letter(number, failed_at_ms=now_ms + number) for number in range(1, 5)))
    told = dlq("discard", "--partner", "acme", "--reason", "sent again").stdout
    assert "4 would be changed; nothing was" in told
    assert listed(dlq) == [4, 3, 2, 1]
    assert dlq("discard", ids[2], "--reason", "a test").stdout == "discarded: 1\n"
    again = dlq("discard", ids[2], ids[3], "--reason", "x", status=1).output
    assert "nothing was done" in again
    assert "a test" in again
    assert listed(dlq) == [4, 3, 1]
    done = dlq("discard", "--partner", "acme", "--limit", 2, "--reason", "sent again", "--yes")
    assert done.stdout == "discarded: 2\n"
    assert listed(dlq) == [4]
    assert listed(dlq, "--state", "all") == [4, 3, 2, 1]
    assert "by cli:" in dlq("show", ids[1]).stdout


def test_a_dry_run_needs_no_kafka_and_changes_nothing(put, dlq, now_ms):
    ids = put(letter(1, failed_at_ms=now_ms))
    for arguments in ((ids[1], "--dry-run"), ("--partner", "acme"), ("--since", "1h")):
        assert "1 would be changed; nothing was" in dlq("redrive", *arguments).stdout
    assert "0 would be changed" in dlq("redrive", "--partner", "globex").stdout
    assert listed(dlq) == [1]


def test_without_kafka_a_letter_stays_open(put, dlq, now_ms):
    ids = put(letter(1, failed_at_ms=now_ms))
    output = dlq("redrive", ids[1], status=1).output
    assert "Error: no Kafka answers at" in output
    assert "redriven: 0" in output
    assert listed(dlq) == [1]


async def test_the_gauge_follows_and_old_letters_go(url, monkeypatch):
    monkeypatch.setattr(housekeeping, "COUNT_INTERVAL_S", 0)
    now_ms = 100 * DAY_MS
    group = (WEBHOOKS.name, "rule", "open")

    async with create_pool(Settings(database_url=url)) as pool:
        await flush(pool, letter(1, failed_at_ms=now_ms - 15 * DAY_MS), letter(2, failed_at_ms=1))
        counting = asyncio.create_task(count_dead_letters(pool))

        async def shows(number):
            async def shown():
                return metrics.DEAD_LETTERS.labels(*group)._value.get() == number

            await wait_until_async(shown, 30, f"{number} dead letters in the gauge")

        await shows(2)
        kept = await tidy(pool, Settings(database_url=url, dead_letter_days=20), now_ms)
        assert kept.dead_letters == 1
        await shows(1)
        assert (await tidy(pool, Settings(database_url=url), now_ms)).dead_letters == 1
        await shows(0)  # a group that is gone is 0, not absent
        counting.cancel()
