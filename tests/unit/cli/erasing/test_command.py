"""``media-gateway erase``: what is refused before anything is touched."""

import json

import pytest
from click.testing import CliRunner

from cli.erasing.command import erase


def run(*arguments, **environment):
    return CliRunner().invoke(erase, arguments, env=environment)


@pytest.mark.parametrize("user", ["", "a|b", "x" * 65, "-x", "user 1"])
def test_what_is_no_user_id_is_refused(user, tmp_path):
    for command in ((), ("search",)):
        answer = run(*command, f"--user={user}", "--data-dir", str(tmp_path), DATABASE_URL="x",
                     KAFKA_BOOTSTRAP_SERVERS="x")  # fmt: skip
        assert answer.exit_code == 2
        assert "not a valid user id" in answer.output or "DATABASE_URL" in answer.output


def test_a_user_and_a_stack_are_needed(tmp_path):
    assert "--user is missing" in run("--data-dir", str(tmp_path)).output
    answer = run("--user", "u", "--data-dir", str(tmp_path), DATABASE_URL="",
                 KAFKA_BOOTSTRAP_SERVERS="")  # fmt: skip
    assert (answer.exit_code, "no stack runs in" in answer.output) == (2, True)


def test_a_receipt_is_not_overwritten(tmp_path):
    file = tmp_path / "receipt.json"
    file.write_text("kept")
    answer = run(
        "--user", "u", "--receipt", str(file), "--data-dir", str(tmp_path),
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
    )  # fmt: skip
    assert (answer.exit_code, "not overwritten" in answer.output) == (2, True)
    assert file.read_text() == "kept"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"), ("[]", "not a receipt"), ('{"receipt": 1}', "not a receipt"),
        (json.dumps({"receipt": {}, "unsigned": "no key"}), "not signed: no key"),
    ],
)  # fmt: skip
def test_what_is_no_signed_receipt_is_refused(tmp_path, text, message):
    file = tmp_path / "receipt.json"
    file.write_text(text)
    answer = run("verify-receipt", str(file), "--data-dir", str(tmp_path))
    assert (answer.exit_code, message in answer.output) == (1, True), answer.output
