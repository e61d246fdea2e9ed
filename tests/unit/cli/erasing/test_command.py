"""``media-gateway erase``: what is refused before anything is touched."""

import json
from contextlib import suppress
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.options import CommandError


def run(*arguments, **environment):
    return CliRunner().invoke(main, ["erase", *arguments], env=environment)


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


SOMEWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
}


class Erasure:
    """Stands for the erasure; ``file`` is there while it runs."""

    def __init__(self, file, error=None):
        self.file, self.error, self.calls = file, error, 0

    async def __call__(self, settings, user_id, wait_s):
        self.calls += 1
        assert self.file.read_text() == ""
        if self.error is not None:
            raise self.error
        return SimpleNamespace(receipt=SimpleNamespace(stores=())), "the receipt\n"

    def run(self, monkeypatch, tmp_path):
        monkeypatch.setattr("cli.erasing.command._erase", self)
        return run("--user", "u", "--receipt", str(self.file), "--data-dir", str(tmp_path),
                   **SOMEWHERE)  # fmt: skip


def test_a_receipt_is_printed_and_in_its_file(monkeypatch, tmp_path):
    erasure = Erasure(tmp_path / "receipt.json")
    answer = erasure.run(monkeypatch, tmp_path)
    assert (answer.exit_code, answer.output) == (0, "the receipt\n")
    assert erasure.file.read_text() == "the receipt\n"


def test_where_no_receipt_can_be_written_nothing_is_erased(monkeypatch, tmp_path):
    erasure = Erasure(tmp_path / "missing" / "receipt.json")
    answer = erasure.run(monkeypatch, tmp_path)
    assert (answer.exit_code, erasure.calls) == (2, 0)
    assert "nothing is erased, as" in answer.output
    assert "No such file or directory" in answer.output


@pytest.mark.parametrize("error", [CommandError("not followed"), RuntimeError("boom")])
def test_an_erasure_that_fails_leaves_no_file(monkeypatch, tmp_path, error):
    erasure = Erasure(tmp_path / "receipt.json", error)
    answer = erasure.run(monkeypatch, tmp_path)
    assert (answer.exit_code, erasure.calls) == (1, 1)
    assert not erasure.file.exists()


def test_a_receipt_that_cannot_be_written_after_all_is_printed(monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cli.erasing.receipt_file.Path.write_text", full)
    erasure = Erasure(tmp_path / "receipt.json")
    answer = erasure.run(monkeypatch, tmp_path)
    assert answer.exit_code == 1
    assert answer.stdout == "the receipt\n"
    assert "No space left on device" in answer.stderr
    assert not erasure.file.exists()


def test_a_receipt_is_written_where_nobody_reads_what_is_printed(monkeypatch, tmp_path):
    def closed(*_, **__):
        raise BrokenPipeError

    erasure = Erasure(tmp_path / "receipt.json")
    monkeypatch.setattr("cli.erasing.command.click.echo", closed)
    with suppress(BrokenPipeError):
        erasure.run(monkeypatch, tmp_path)
    assert erasure.file.read_text() == "the receipt\n"


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
