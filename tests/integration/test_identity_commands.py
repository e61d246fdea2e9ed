"""`key`, `issuer`, `signing-key` and `token`: what they show, and the sentence when they refuse."""

import json

import pytest
from click.testing import CliRunner

from cli.main import main
from infra.postgres.migrate import migrate
from infra.security.keys import parse_key_id
from tests.support.tokens import b64, ed25519_jwk, jwks, rsa_jwk

SECRETS_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ISSUER = "https://id.example.com/"


@pytest.fixture
def run(fresh_database_url, tmp_path):
    migrate(fresh_database_url)

    def invoke(*arguments, **environment):
        env = {
            "DATABASE_URL": fresh_database_url, "MEDIA_GATEWAY_SECRETS_KEY": SECRETS_KEY,
            **environment,
        }  # fmt: skip
        return CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)], env=env)

    return invoke


@pytest.fixture
def said(run):
    def invoke(*arguments):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    return invoke


@pytest.fixture
def keys_file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(ed25519_jwk(), rsa_jwk()))
    return str(path)


def test_a_key_shows_its_limits_and_is_followed_by_one_with_the_same_rights(said):
    said("partner", "create", "acme", "--mapper", "generic")
    key_id = parse_key_id(
        said(
            "key", "create", "reports", "--partner", "acme", "--tier", "pro", "--expires-in", "90d"
        )[-1]
    )
    shown = dict(line.split(maxsplit=1) for line in said("key", "show", key_id) if "  " in line)
    assert shown["scopes"] == "deliveries:read"
    assert (shown["for"], shown["tier"]) == ("partner acme", "pro")
    assert shown["state"].startswith("live until ")

    lines = said("key", "rotate", key_id, "--overlap", "1h")
    assert lines[0].startswith(f"key {key_id} ends ")
    head, old, new = said("key", "list")
    assert head.split()[:3] == ["id", "name", "scopes"]
    assert old.split()[0] == key_id
    assert new.split()[0] == parse_key_id(lines[-1])
    assert old.split()[1:6] == new.split()[1:6]
    assert new.split()[7:9] > old.split()[7:9]  # ends later
    assert said("key", "rotate", key_id, "--overlap", "0")
    assert "ended" in said("key", "show", key_id)[5]
    assert "no live key" in said_error(said, "key", "rotate", key_id)


def said_error(said, *arguments):
    with pytest.raises(AssertionError) as caught:
        said(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("text", ["90", "d", "-1d", "1.5h", ""])
def test_a_duration_has_a_unit_and_a_limit(run, text):
    result = run("key", "create", "app", "--expires-in", text)
    assert result.exit_code == 2
    assert "a duration is a number" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [("0d", "at least 1s"), ("3651d", "at most 3650d"), ("99999999d", "at most 3650d")],
)
def test_a_key_that_never_lives_or_for_too_long_is_not_made(run, text, said):
    result = run("key", "create", "app", "--expires-in", text)
    assert result.exit_code == 2
    assert said in result.output
    assert "mg_live_" not in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--scopes", "deliveries:read"),
            "deliveries:read is for keys of a partner: name the partner",
        ),
        (("--scopes", "deliveries:read"), "--partner"),
        (("--scopes", "catalogue:read", "--partner", "acme"), "scopes are: deliveries:read"),
        (("--scopes", "none:such"), "not none:such"),
    ],
)
def test_a_scope_that_does_not_fit_says_what_does(run, options, said):
    result = run("key", "create", "app", *options)
    assert result.exit_code == 1
    assert said in result.output


def test_an_issuer_is_added_shown_disabled_and_removed(said, keys_file):
    added = said("issuer", "add", ISSUER, "--audience", "tv", "--jwks-file", keys_file)
    assert added == [f"added {ISSUER}: 2 key(s)"]
    _, line = said("issuer", "list")
    assert line.split()[0] == ISSUER
    assert "enabled" in line
    shown = "\n".join(said("issuer", "show", ISSUER))
    assert "ed-1 (EdDSA)" in shown
    assert "rsa-1 (RS256)" in shown
    assert said("issuer", "disable", ISSUER) == [f"disabled {ISSUER}"]
    assert "disabled" in said("issuer", "list")[1]
    assert said("issuer", "enable", ISSUER) == [f"enabled {ISSUER}"]
    assert said("issuer", "remove", ISSUER) == [f"removed {ISSUER}"]
    assert len(said("issuer", "list")) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", ISSUER, "--audience", "tv"), "either --jwks-url or --jwks-file"),
        (
            ("add", "urn:media-gateway", "--audience", "tv", "--jwks-url", "https://x/"),
            "own tokens",
        ),
        (("add", "a b", "--audience", "tv", "--jwks-url", "https://x/"), "none of them blank"),
        (("add", ISSUER, "--audience", "tv", "--jwks-url", "ftp://x/"), "begins with https://"),
        (("add", ISSUER, "--audience", "tv", "--jwks-url", "https://127.0.0.1/"), "not public"),
        (("add", ISSUER, "--audience", "tv", "--jwks-url", "http://localhost/"), "not public"),
        (("add", ISSUER, "--audience", "tv", "--jwks-file", "-"), "not a JWKS"),
        (
            ("add", ISSUER, "--audience", "t", "--jwks-url", "https://x/", "--lifetime", "25h"),
            "24h",
        ),
        (("show", ISSUER), "no issuer"),
        (("disable", ISSUER), "no issuer"),
        (("remove", ISSUER), "no issuer"),
    ],
)
def test_an_issuer_that_cannot_be_is_refused_in_a_sentence(run, arguments, sentence):
    result = run("issuer", *arguments)
    assert result.exit_code == 1, result.output
    assert sentence in result.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--scopes", "tokens:issue"), "scopes are: progress:write"),
        (("--algorithms", "HS256"), "algorithms are: RS256, EdDSA"),
        (("--algorithms", ""), "algorithms are"),
    ],
)
def test_an_issuer_grants_no_more_than_a_user_may_do(run, keys_file, options, sentence):
    result = run("issuer", "add", ISSUER, "--audience", "t", "--jwks-file", keys_file, *options)
    assert result.exit_code == 1
    assert sentence in result.output


def test_private_keys_in_a_file_are_refused(run, tmp_path):
    path = tmp_path / "private.json"
    path.write_text(json.dumps({"keys": [ed25519_jwk(d=b64(bytes(32)))]}))
    result = run("issuer", "add", ISSUER, "--audience", "t", "--jwks-file", str(path))
    assert "private parts" in result.output


def test_an_issuer_is_added_once(run, said, keys_file):
    arguments = ("issuer", "add", ISSUER, "--audience", "t", "--jwks-file", keys_file)
    said(*arguments)
    assert "exists already" in run(*arguments).output


def test_signing_keys_are_announced_sign_and_end(said):
    assert "signs from" in said("signing-key", "rotate")[0]
    assert [line.split()[1] for line in said("signing-key", "list")[1:]] == ["signs"]
    said("signing-key", "rotate")
    assert [line.split()[1] for line in said("signing-key", "list")[1:]] == ["signs", "announced"]
    said("signing-key", "rotate", "--lead", "0s")
    lines = said("signing-key", "list")[1:]
    assert [line.split()[1] for line in lines] == ["verifies", "announced", "signs"]
    first = lines[0].split()[0]
    assert said("signing-key", "retire", first) == [f"retired {first}"]
    assert said("signing-key", "list")[1].split()[1] == "ended"


def test_signing_keys_need_a_secrets_key_and_a_long_overlap(run):
    result = run("signing-key", "rotate", MEDIA_GATEWAY_SECRETS_KEY="")
    assert result.exit_code == 1
    assert "MEDIA_GATEWAY_SECRETS_KEY" in result.output
    assert "at least 3660s" in run("signing-key", "rotate", "--overlap", "1h").output
    assert "no live signing key" in run("signing-key", "retire", "nothing").output


@pytest.mark.parametrize(
    "options", [(), ("--user", "a", "--jti", "b"), ("--user", "a|b"), ("--jti", "")]
)
def test_a_revocation_names_a_user_or_a_token(run, options):
    result = run("token", "revoke", *options)
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_a_revocation_can_be_repeated(said):
    for _ in range(2):
        assert said("token", "revoke", "--user", "user-1") == ["revoked all tokens of user-1"]
        assert said("token", "revoke", "--jti", "abc") == ["revoked the token abc"]
