"""`partner` and `key`: what they print works at once, and is not stored as it is."""

import psycopg
import pytest
from click.testing import CliRunner

from cli.main import main
from infra.postgres.migrate import migrate
from infra.security.keys import hash_key, parse_key_id
from infra.security.webhook_keys import parse_secret


@pytest.fixture
def run(fresh_database_url, tmp_path):
    migrate(fresh_database_url)

    def invoke(*arguments, **environment):
        env = {"DATABASE_URL": fresh_database_url, **environment}
        return CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)], env=env)

    invoke.url = fresh_database_url
    return invoke


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def last_line(result):
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[-1]


def test_a_partner_gets_its_secret_on_the_last_line(run):
    secret = last_line(run("partner", "create", "acme", "--mapper", "generic"))
    assert len(parse_secret(secret)) == 32
    assert last_line(run("partner", "list")).split("\t")[:3] == ["acme", "generic", "enabled"]
    again = run("partner", "create", "acme", "--mapper", "generic")
    assert again.exit_code == 1
    assert "exists" in again.output


def test_a_secret_is_encrypted_when_there_is_a_key(run):
    sealing_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    secret = last_line(
        run(
            "partner", "create", "acme", "--mapper", "generic",
            MEDIA_GATEWAY_SECRETS_KEY=sealing_key,
        )
    )  # fmt: skip
    [(sealed,)] = rows(run.url, "SELECT sealed FROM partner_secrets")
    assert sealed.startswith("aes256gcm:")
    assert secret.removeprefix("whsec_") not in sealed


@pytest.mark.parametrize(
    "arguments",
    [
        ("partner", "create", "Ä", "--mapper", "generic"),
        ("partner", "create", "acme", "--mapper", "no-such"),
        ("key", "create", "app", "--scopes", "everything"),
        ("key", "create", "app", "--scopes", ""),
        ("key", "create", "app", "--user", "a|b"),
        ("key", "create", "a\nb"),
        ("key", "create", "app", "--user", "u", "--scopes", "tokens:issue"),
        ("key", "create", "app", "--user", "u", "--partner", "acme"),
        ("key", "create", "app", "--partner", "nobody"),
        ("key", "create", "app", "--partner", "acme", "--scopes", "progress:write"),
        ("key", "create", "app", "--scopes", "deliveries:read"),
        ("key", "show", "nothing1"),
        ("key", "rotate", "nothing1"),
        ("key", "revoke", "nothing1"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_a_key_is_printed_once_and_only_its_hash_is_stored(run):
    text = last_line(run("key", "create", "tv", "--user", "user-1", "--scopes", "progress:write"))
    [row] = rows(run.url, "SELECT key_id, key_sha256, scopes, user_id FROM api_keys")
    assert row == (parse_key_id(text), hash_key(text), ["progress:write"], "user-1")
    assert text not in run("key", "list").output
    assert last_line(run("key", "revoke", row[0])) == f"revoked {row[0]}"
    assert "revoked" in last_line(run("key", "list"))
