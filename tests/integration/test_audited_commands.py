"""The commands that write to the database: each leaves one entry under the user of the system."""

import asyncio

import pytest
from click.testing import CliRunner

from cli.actor import cli_actor
from cli.main import main
from domain.audit import published
from infra.postgres.audit import AuditTrail
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.settings import Settings
from tests.integration.test_postgres_dead_letters import flush, letter
from tests.support.operators import KEY
from tests.support.tokens import ISSUER, ed25519_jwk, jwks
from topics.catalog import AUDIT_ENTRIES


@pytest.fixture
def url(fresh_database_url):
    migrate(fresh_database_url)
    return fresh_database_url


@pytest.fixture
def run(url, tmp_path):
    environment = {
        "DATABASE_URL": url, "MEDIA_GATEWAY_SECRETS_KEY": KEY,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    }  # fmt: skip
    runner = CliRunner(env=environment)

    def invoke(*arguments):
        result = runner.invoke(main, [*arguments, "--data-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    return invoke


def in_pool(url, work):
    async def with_pool():
        async with create_pool(Settings(database_url=url)) as pool:
            return await work(pool)

    return asyncio.run(with_pool())


def trail(url):
    async def read(pool):
        return [each async for batch in AuditTrail(pool).entries() for each in batch]

    return in_pool(url, read)


def topic_of(url):
    """Return a reader of the topic that finds there what the table has."""

    async def read_topic(_cluster):
        async with create_pool(Settings(database_url=url)) as pool:
            entries = [each async for batch in AuditTrail(pool).entries() for each in batch]
        return published(entries, AUDIT_ENTRIES.retention_ms)

    return read_topic


def test_each_command_that_changes_something_leaves_one_entry(run, url, tmp_path, monkeypatch):
    monkeypatch.setattr("cli.audit.read_topic", topic_of(url))
    keys_file = tmp_path / "keys.json"
    keys_file.write_bytes(jwks(ed25519_jwk()))
    in_pool(url, lambda pool: flush(pool, letter(1)))
    expected = []

    def changes(action, *arguments):
        lines = run(*arguments)
        expected.append(action)
        assert [each.action for each in trail(url)] == expected, arguments
        return lines

    changes("partner.create", "partner", "create", "acme", "--mapper", "generic")
    changes("partner.update", "partner", "set", "acme", "--tier", "pro")
    changes("partner.rotate-secret", "partner", "rotate", "acme")
    changes("partner.disable", "partner", "disable", "acme")
    changes("partner.enable", "partner", "enable", "acme")
    first = changes("key.create", "key", "create", "tv-app")[0].split()[1]
    second = changes("key.rotate", "key", "rotate", first)[1].split()[1]
    changes("key.revoke", "key", "revoke", second)
    added = ("issuer", "add", ISSUER, "--audience", "tv", "--jwks-file", str(keys_file))
    changes("issuer.add", *added)
    changes("issuer.disable", "issuer", "disable", ISSUER)
    changes("issuer.enable", "issuer", "enable", ISSUER)
    changes("issuer.remove", "issuer", "remove", ISSUER)
    kid = changes("signing-key.rotate", "signing-key", "rotate")[0].split()[1]
    changes("signing-key.retire", "signing-key", "retire", kid)
    changes("token.revoke", "token", "revoke", "--user", "user-1")
    changes("dead-letter.discard", "dlq", "discard", "--partner", "acme", "--reason", "x", "--yes")
    for reads in (
        ("partner", "show", "acme"),
        ("key", "list"),
        ("dlq", "list"),
        ("issuer", "list"),
    ):
        run(*reads)
    entries = trail(url)
    assert [each.action for each in entries] == expected
    assert {(each.actor_kind, each.actor) for each in entries} == {("cli", cli_actor().name)}
    assert len({each.request_id for each in entries}) == len(expected)  # one run, one id
    count = len(expected)
    assert run("audit", "verify")[0].startswith(f"{count} entries hold, {count} of them")
    subjects = [each.subject for each in entries]
    assert subjects[:7] == ["acme"] * 5 + [first, first]
    assert subjects[7:14] == [second, ISSUER, ISSUER, ISSUER, ISSUER, kid, kid]
    assert subjects[14] == "a user"
