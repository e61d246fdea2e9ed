"""``media-gateway operator``, as a person meets it: a terminal, an app, a real API."""

import base64
import json
import re
import stat

import psycopg
import pytest
from click.testing import CliRunner

from cli.actor import cli_actor
from cli.main import main
from domain.identity.totp import base32, code_at, step_at
from infra.embedded.process import free_port
from infra.postgres.migrate import migrate
from infra.wall_clock import now_ms
from tests.support.api_process import ApiProcess
from tests.support.operators import KEY, PASSWORD
from tests.support.services import new_database
from tests.support.terminal import Terminal

OTHER_PASSWORD = "seven quiet herons at dusk"


@pytest.fixture(scope="module")
def database(postgres_server_url):
    for url in new_database(postgres_server_url):
        migrate(url)
        yield url


@pytest.fixture
def environment(database, tmp_path):
    return {
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "MEDIA_GATEWAY_SECRETS_KEY": KEY,
        "MEDIA_GATEWAY_DATA_DIR": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def run(environment):
    def invoke(*arguments, given=None, **changes):
        return CliRunner(env={**environment, **changes}).invoke(main, [*arguments], input=given)

    return invoke


def current(secret, away=0):
    return code_at(secret, step_at(now_ms()) + away)


def read_secret(terminal):
    terminal.expect("type the secret: ")
    shown = terminal.expect("\n").strip()
    secret = base64.b32decode(shown)
    assert len(secret) == 20
    assert base32(secret) == shown
    return secret


def create(environment, name, *options):
    """Create an operator; return the app's secret and the recovery codes."""
    arguments = ["operator", "create", name, "--show-uri", *options]
    with Terminal(arguments, environment) as terminal:
        terminal.expect("New password: ")
        terminal.type(PASSWORD)
        terminal.expect("Repeat for confirmation: ")
        terminal.type(PASSWORD)
        secret = read_secret(terminal)
        terminal.expect("Code that the app shows now: ")
        terminal.type("000000" if current(secret) != "000000" else "111111")
        terminal.expect("not the code of this moment")
        terminal.expect("Code that the app shows now: ")
        terminal.type(current(secret))
        assert terminal.wait() == 0, terminal.output
    assert PASSWORD not in terminal.output
    codes = re.findall(r"^[2-9A-Z]{4}-[2-9A-Z]{4}$", terminal.output, re.MULTILINE)
    assert len(codes) == 10
    return secret, codes, terminal.output


def rows(database, query):
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def forget_codes(database):
    """Let the codes of this moment count again; waiting for new ones would take a minute."""
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE operators SET last_step = 0")


def test_from_the_first_operator_to_the_logout(environment, database, run, tmp_path):
    api = ApiProcess(environment, tmp_path)
    try:
        api.wait_alive()
        secret, recovery, shown = create(environment, "ada", "--role", "admin")
        assert "█" in shown or "▄" in shown  # the QR code
        [(stored,)] = rows(database, "SELECT password_hash FROM operators WHERE name = 'ada'")
        assert stored.startswith("$argon2id$")
        login = ("operator", "login", "ada", "--url", api.url)
        # The code that completed the enrolment is used up; the next one is accepted already.
        [(used,)] = rows(database, "SELECT last_step FROM operators WHERE name = 'ada'")
        refused = run(*login, given=f"{PASSWORD}\n{code_at(secret, used)}\n")
        assert refused.exit_code == 1
        assert "used before" in refused.output
        logged_in = run(*login, given=f"{PASSWORD}\n{current(secret, 1)}\n")
        assert logged_in.exit_code == 0, logged_in.output
        kept = tmp_path / "config/media-gateway/session.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        first = json.loads(kept.read_text())["token"]
        assert first not in logged_in.output

        forget_codes(database)
        stepped = run("operator", "step-up", given=f"{current(secret)}\n")
        assert stepped.exit_code == 0, stepped.output
        assert json.loads(kept.read_text())["token"] != first
        forget_codes(database)
        renewed = run("operator", "recovery-codes", given=f"{current(secret)}\n")
        assert len(re.findall(r"^\w{4}-\w{4}$", renewed.output, re.MULTILINE)) == 10
        void = run(*login, "--recovery", given=f"{PASSWORD}\n{recovery[0]}\n")
        assert void.exit_code == 1
        [good, *_] = re.findall(r"^\w{4}-\w{4}$", renewed.output, re.MULTILINE)
        printed = run(*login, "--recovery", "--print", given=f"{PASSWORD}\n{good}\n")
        assert re.fullmatch(r"\s*mg_op_[\w-]{43}\n", printed.stdout)  # prompts are not part of it

        assert run("operator", "logout", "--everywhere").output == "ended 2 session(s)\n"
        assert not kept.exists()
        assert "nobody is logged in" in run("operator", "step-up").output
    finally:
        api.end()
    actions = [action for (action,) in rows(
        database, "SELECT action FROM audit_entries WHERE subject = 'ada' ORDER BY sequence"
    )]  # fmt: skip
    assert actions == [
        "operator.create", "operator.code-replayed", "operator.login", "operator.step-up",
        "operator.step-up", "operator.renew-recovery-codes", "operator.login-failed",
        "operator.use-recovery-code", "operator.logout-everywhere",
    ]  # fmt: skip
    assert set(rows(database, "SELECT actor_kind FROM audit_entries")) == {("cli",), ("operator",)}


def test_a_picture_is_for_its_owner_alone_and_a_lost_phone_is_replaced(
    environment, database, run, tmp_path
):
    png = tmp_path / "vic.png"
    create(environment, "vic", "--qr-png", str(png))
    assert png.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(png.stat().st_mode) == 0o600
    [before] = rows(database, "SELECT sealed_totp FROM operators WHERE name = 'vic'")
    refused = run("operator", "reset-totp", "vic", "--qr-png", str(png))
    assert "File exists" in refused.output
    abandoned = run("operator", "reset-totp", "vic", given="1\n2\n3\n")
    assert "nothing was changed" in abandoned.output
    assert [before] == rows(database, "SELECT sealed_totp FROM operators WHERE name = 'vic'")
    with Terminal(["operator", "reset-totp", "vic", "--show-uri"], environment) as terminal:
        secret = read_secret(terminal)
        terminal.expect("Code that the app shows now: ")
        terminal.type(current(secret))
        assert terminal.wait() == 0, terminal.output
    assert [before] != rows(database, "SELECT sealed_totp FROM operators WHERE name = 'vic'")


def test_who_lost_phone_and_recovery_codes_is_let_in_again_and_nobody_else(
    environment, database, run, tmp_path
):
    api = ApiProcess(environment, tmp_path)
    try:
        api.wait_alive()
        old, recovery, _ = create(environment, "una")
        login = ("operator", "login", "una", "--url", api.url)

        def log_in(given, *options):
            return run(*login, *options, given=f"{PASSWORD}\n{given}\n")

        forget_codes(database)
        assert log_in(current(old)).exit_code == 0
        for _ in range(5):  # in vain, so that the account is locked as well
            assert log_in("no such code", "--recovery").exit_code == 1
        assert "locked until" in run("operator", "list").output
        with Terminal(["operator", "reset-totp", "una", "--show-uri"], environment) as terminal:
            new = read_secret(terminal)
            terminal.expect("Code that the app shows now: ")
            terminal.type(current(new))
            assert terminal.wait() == 0, terminal.output
        assert "locked until" not in run("operator", "list").output
        ended = run("operator", "step-up", given=f"{current(new, 1)}\n")
        assert (ended.exit_code, "credentials" in ended.output) == (1, True), ended.output
        forget_codes(database)
        assert log_in(current(old)).exit_code == 1
        assert log_in(recovery[0], "--recovery").exit_code == 1
        assert log_in(current(new)).exit_code == 0
    finally:
        api.end()
    entries = rows(
        database,
        "SELECT actor_kind, actor, count(*) FROM audit_entries "
        "WHERE subject = 'una' AND action = 'operator.reset-totp' GROUP BY 1, 2",
    )
    assert entries == [("cli", cli_actor().name, 1)]


def test_an_operator_is_changed_and_listed(environment, database, run):
    create(environment, "zoe")

    def state():
        lines = run("operator", "list").output.splitlines()
        return next(line for line in lines if line.startswith("zoe\t")).split("\t")[1:4]

    assert state() == ["viewer", "enabled", "10 recovery code(s)"]
    assert run("operator", "disable", "zoe").output == "disabled zoe\n"
    assert state()[1] == "disabled"
    assert run("operator", "enable", "zoe").output == "enabled zoe\n"
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE operators SET locked_until_ms = 253402300799000")
    assert state()[1] == "strange addresses locked until unlocked"
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE operators SET familiar_locked_until_ms = 253402300798000")
    assert state()[1] == (
        "familiar addresses locked until 9999-12-31T23:59:58.000Z, "
        "strange addresses locked until unlocked"
    )
    assert run("operator", "unlock", "zoe").output == "unlocked zoe\n"
    assert state()[1] == "enabled"
    twice = f"{OTHER_PASSWORD}\n{OTHER_PASSWORD}\n"
    assert "another password" in run("operator", "set-password", "zoe", given=twice).output
    again = run("operator", "create", "zoe")
    assert (again.exit_code, again.output) == (1, "Error: operator 'zoe' exists already\n")


@pytest.mark.parametrize(
    ("arguments", "changes", "said"),
    [
        (("create", "x"), {}, "a name has 2 to 40"),
        (("create", "Ada\n"), {}, "a name has 2 to 40"),
        (("create", "bea"), {"MEDIA_GATEWAY_SECRETS_KEY": ""}, "openssl rand -base64 32"),
        (("reset-totp", "bea"), {"MEDIA_GATEWAY_SECRETS_KEY": ""}, "openssl rand -base64 32"),
        (("list",), {"MEDIA_GATEWAY_SECRETS_KEY": "short"}, "MEDIA_GATEWAY_SECRETS_KEY"),
        (("disable", "nobody"), {}, "no operator has the name 'nobody'"),
        (("reset-totp", "nobody"), {}, "no operator has the name 'nobody'"),
        (("login", "ada", "--url", "http://gateway.example.com"), {}, "over https only"),
        (("login", "ada", "--url", "gateway"), {}, "not the address of an API"),
        (("logout",), {}, "nobody is logged in"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(run, arguments, changes, said):
    result = run("operator", *arguments, **changes)
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_password_that_may_not_be_one_is_refused(run):
    result = run("operator", "create", "bea", given="passwordpassword\npasswordpassword\n")
    assert "too common" in result.output
    result = run("operator", "create", "bea", given="short\nshort\n")
    assert "15 to 256" in result.output


def test_a_session_that_others_can_read_is_not_used(run, tmp_path):
    kept = tmp_path / "config/media-gateway/session.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"url": "http://127.0.0.1:1", "name": "ada", "token": "x"}')
    kept.chmod(0o644)
    assert "others can read" in run("operator", "logout").output
    kept.chmod(0o600)
    assert "no API answers at http://127.0.0.1:1" in run("operator", "logout").output
    kept.write_text("[]")
    assert "holds no session" in run("operator", "logout").output


def test_secrets_are_sealed_anew_with_another_key(run, environment, database):
    other = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
    without = run("secrets", "rotate", MEDIA_GATEWAY_SECRETS_KEY=other)
    assert without.exit_code == 1
    assert "MEDIA_GATEWAY_SECRETS_KEYS_OLD" in without.output
    keys = {"MEDIA_GATEWAY_SECRETS_KEY": other, "MEDIA_GATEWAY_SECRETS_KEYS_OLD": KEY}
    rotated = run("secrets", "rotate", **keys)
    [(count,)] = rows(database, "SELECT count(*) FROM operators")
    assert rotated.output == (
        f"partner_secrets: 0 sealed anew\noperators: {count} sealed anew\n"
        "signing_keys: 0 sealed anew\nreceipt_keys: 0 sealed anew\n"
    )
    back = {"MEDIA_GATEWAY_SECRETS_KEY": KEY, "MEDIA_GATEWAY_SECRETS_KEYS_OLD": other}
    assert f"operators: {count} sealed" in run("secrets", "rotate", **back).output
    keyless = run("secrets", "rotate", MEDIA_GATEWAY_SECRETS_KEY="")
    assert "nothing to seal with" in keyless.output
