"""`partner`: what it prints works, what it shows holds no secret, what it refuses is said."""

import base64
import re

import psycopg
import pytest
from click.testing import CliRunner

from cli.main import main
from infra.postgres.migrate import migrate
from infra.security.webhook_keys import fingerprint, format_public_key, parse_secret
from tests.support.signing import PUBLIC_KEY_TEXT


@pytest.fixture
def run(fresh_database_url, tmp_path):
    migrate(fresh_database_url)

    def invoke(*arguments, **environment):
        env = {"DATABASE_URL": fresh_database_url, **environment}
        return CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)], env=env)

    invoke.url = fresh_database_url
    return invoke


def printed(result):
    assert result.exit_code == 0, result.output
    return result.stdout


def last_line(result):
    return printed(result).splitlines()[-1]


def shown(run, name="acme"):
    lines = [line for line in printed(run("partner", "show", name)).splitlines() if line]
    keys = [line for line in lines if line.startswith(("secret", "public key"))]
    fields = {line[:18].strip(): line[18:] for line in lines if line not in keys}
    return fields, keys


def test_a_partner_is_made_shown_changed_and_turned_off(run):
    secret = last_line(run("partner", "create", "acme", "--mapper", "generic"))
    fields, keys = shown(run)
    assert fields["tier"] == "free"
    assert fields["body bytes"] == "65536 (tier)"
    assert fields["schemes"] == "v1"
    assert len(keys) == 1
    assert fingerprint(parse_secret(secret)) in keys[0]
    assert secret.removeprefix("whsec_")[:12] not in "".join(keys)
    changes = ["--tier", "pro", "--body-bytes", "1000", "--display-name", "Acme TV",
               "--deliveries-per-s", "7", "--schemes", "v1,sha256"]  # fmt: skip
    printed(run("partner", "set", "acme", *changes))
    fields, _ = shown(run)
    assert fields["body bytes"] == "1000"
    assert fields["deliveries per s"] == "7"
    assert fields["display name"] == "Acme TV"
    assert fields["schemes"] == "sha256, v1"
    printed(run("partner", "set", "acme", "--body-bytes", "tier"))
    fields, _ = shown(run)
    assert fields["body bytes"] == "262144 (tier)"
    assert fields["deliveries per s"] == "7"
    printed(run("partner", "disable", "acme"))
    assert "disabled" in last_line(run("partner", "list"))
    printed(run("partner", "enable", "acme"))
    assert "enabled" in last_line(run("partner", "list"))


def test_rotation_keeps_the_old_secret_until_a_date_that_is_shown(run):
    first = last_line(run("partner", "create", "acme", "--mapper", "generic"))
    second = last_line(run("partner", "rotate", "acme", "--overlap", "7d"))
    _, keys = shown(run)
    assert [fingerprint(parse_secret(text)) in line for text, line in zip(
        (second, first), keys, strict=True)] == [True, True]  # fmt: skip
    assert "valid until" not in keys[0]
    assert re.search(r"valid until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", keys[1])
    printed(run("partner", "rotate", "acme"))
    refused = run("partner", "rotate", "acme")
    assert refused.exit_code == 1
    assert re.search(r"3 keys are live: the first ends 20\d\d-", refused.output)
    assert len(shown(run)[1]) == 3
    newest = last_line(run("partner", "rotate", "acme", "--overlap", "0"))
    _, keys = shown(run)
    assert len(keys) == 1
    assert fingerprint(parse_secret(newest)) in keys[0]
    with psycopg.connect(run.url) as connection:
        assert connection.execute("SELECT count(*) FROM partner_secrets").fetchone() == (1,)


def test_a_partner_may_sign_by_private_key(run):
    output = printed(
        run("partner", "create", "acme", "--mapper", "generic", "--public-key", PUBLIC_KEY_TEXT)
    )
    assert "whsec_" not in output
    fields, keys = shown(run)
    assert fields["schemes"] == "v1a"
    assert keys[0].startswith("public key")
    assert run("partner", "rotate", "acme").exit_code == 1  # it needs a public key
    printed(run("partner", "rotate", "acme", "--public-key", PUBLIC_KEY_TEXT, "--overlap", "1h"))
    assert len(shown(run)[1]) == 2


def test_a_partner_moves_from_secret_to_private_key(run):
    printed(run("partner", "create", "acme", "--mapper", "generic"))
    early = run("partner", "set", "acme", "--schemes", "v1a")
    assert early.exit_code == 1
    assert "no live key" in early.output
    assert run("partner", "rotate", "acme", "--public-key", PUBLIC_KEY_TEXT).exit_code == 1
    printed(run("partner", "set", "acme", "--schemes", "v1,v1a"))
    printed(run("partner", "rotate", "acme", "--public-key", PUBLIC_KEY_TEXT))
    printed(run("partner", "set", "acme", "--schemes", "v1a"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nobody"), "no partner"),
        (("set", "nobody", "--tier", "pro"), "no partner"),
        (("set", "acme"), "nothing to change"),
        (("set", "acme", "--mapper", "no-such"), "no mapper"),
        (("set", "acme", "--tier", "gold"), "gold"),
        (("set", "acme", "--body-bytes", "0"), "expected 1 to 262,144"),
        (("set", "acme", "--body-bytes", "262145"), "expected 1 to 262,144"),
        (("set", "acme", "--deliveries-per-s", "x"), "expected 1 to 10,000"),
        (("set", "acme", "--schemes", "md5"), "schemes are v1, v1a, sha256"),
        (("set", "acme", "--display-name", "a\nb"), "printable"),
        (("rotate", "nobody"), "no partner"),
        (("rotate", "acme", "--overlap", "8d"), "at most 7d"),
        (("rotate", "acme", "--overlap", "soon"), "a number and s, m, h or d"),
        (("rotate", "acme", "--public-key", "whpk_AAAA"), "32 bytes"),
        (("rotate", "acme", "--public-key", format_public_key(bytes(32))), "no usable"),
        (("enable", "nobody"), "no partner"),
        (("disable", "nobody"), "no partner"),
        (("create", "b", "--mapper", "generic", "--schemes", "v1a"), "belong together"),
        (("create", "b", "--mapper", "generic", "--schemes", "v1", "--public-key",
          PUBLIC_KEY_TEXT), "belong together"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(run, arguments, said):
    printed(run("partner", "create", "acme", "--mapper", "generic"))
    result = run("partner", *arguments)
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert "Traceback" not in result.output
    assert len(shown(run)[1]) == 1


def test_keys_that_cannot_be_opened_are_said(run):
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    printed(run("partner", "create", "acme", "--mapper", "generic", MEDIA_GATEWAY_SECRETS_KEY=key))
    result = run("partner", "show", "acme")
    assert result.exit_code == 1
    assert "MEDIA_GATEWAY_SECRETS_KEY" in result.output


def test_a_wrong_key_gives_out_no_secret_and_the_right_partner_is_named(run):
    right, wrong = (base64.b64encode(bytes([number] * 32)).decode() for number in (1, 2))
    create = ("partner", "create", "wk", "--mapper", "generic")
    printed(
        run("partner", "create", "acme", "--mapper", "generic", MEDIA_GATEWAY_SECRETS_KEY=right)
    )
    for key in (wrong, ""):
        result = run(*create, MEDIA_GATEWAY_SECRETS_KEY=key)
        assert result.exit_code == 1
        assert "the secret of partner acme is sealed with the key" in result.stderr
        assert "whsec_" not in result.output
    both = {"MEDIA_GATEWAY_SECRETS_KEY": wrong, "MEDIA_GATEWAY_SECRETS_KEYS_OLD": right}
    printed(run(*create, **both))
    listed = run("partner", "list", MEDIA_GATEWAY_SECRETS_KEY=right)
    assert listed.exit_code == 1
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["acme"]
    assert "not listed: partner wk: " in listed.stderr
    assert "1 of 2 partners" in listed.stderr
    rotated = run("secrets", "rotate", MEDIA_GATEWAY_SECRETS_KEY=right)
    assert rotated.exit_code == 1
    assert "partner wk: " in rotated.stderr


def test_a_key_may_belong_to_a_partner(run):
    printed(run("partner", "create", "acme", "--mapper", "generic"))
    printed(run("key", "create", "engineers", "--partner", "acme"))
    line = last_line(run("key", "list"))
    assert re.split(r" {2,}", line)[2:4] == ["deliveries:read", "partner acme"]
    assert "no partner" in run("key", "create", "x", "--partner", "nobody").output
    both = run("key", "create", "x", "--partner", "acme", "--user", "user-1")
    assert both.exit_code == 1
    assert "not to both" in both.output
