"""The command's table, its help, errors as one sentence, and the ports that `up` gives out."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, main
from cli.options import environment_of, load_settings, one_sentence_errors, with_settings
from cli.supervision import wanted_port
from infra.data_dir import DataDir, RunningStack, own_start_s
from infra.embedded.errors import KafkaStartError
from infra.embedded.process import free_port
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def no_services(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "MEDIA_GATEWAY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def a_running_stack(data_dir: Path) -> RunningStack:
    stack = RunningStack(
        pid=os.getpid(),
        pid_started_at_s=own_start_s(),
        started_at="2026-01-01T00:00:00+00:00",
        kafka_bootstrap_servers="127.0.0.1:9",
        database_url="postgresql://u:p@127.0.0.1:9/d",
        secrets_key="sealing",
        erasure_key="own",
        api_url="http://127.0.0.1:9",
    )
    DataDir(data_dir).write(stack)
    return stack


def test_console_script_is_this_group() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"media-gateway": "cli.main:main"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) > 4


def test_help_of_the_group_imports_no_command() -> None:
    code = """
import sys
from cli.main import COMMANDS, main
main(["--help"], standalone_mode=False)
ours = {"agents", "api", "cli", "domain", "infra", "schemas", "topics"}
print(sorted(name for name in sys.modules if name.partition(".")[0] in ours))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "['cli', 'cli.main']"
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +\w", answer.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_short_help_in_the_table_is_the_commands_own(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert COMMANDS[name].short_help == command.get_short_help_str(limit=1000)


@pytest.mark.parametrize("name", ["up", "worker", "api", "migrate"])
def test_help_has_an_example_and_the_data_directory(name: str) -> None:
    output = CliRunner().invoke(main, [name, "--help"]).output
    assert f"media-gateway {name}" in output
    assert "--data-dir" in output


def test_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["nothing"])
    assert result.exit_code == 2
    assert "No such command" in result.output


@pytest.mark.parametrize("command", [["topics", "list"], ["migrate"], ["worker"], ["api"]])
def test_without_a_stack_the_sentence_says_how_to_start_one(
    command: list[str], tmp_path: Path
) -> None:
    result = CliRunner().invoke(main, [*command, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert f"media-gateway up --data-dir {tmp_path}" in result.output


def test_a_running_stack_fills_what_the_environment_lacks(tmp_path: Path) -> None:
    stack = a_running_stack(tmp_path)
    found = load_settings({}, tmp_path)
    assert found.kafka_bootstrap_servers == stack.kafka_bootstrap_servers
    assert found.database_url == stack.database_url
    given = load_settings({"DATABASE_URL": "postgresql://other"}, tmp_path)
    assert given.database_url == "postgresql://other"
    assert given.kafka_bootstrap_servers == stack.kafka_bootstrap_servers


def test_commands_use_the_keys_of_the_running_stack(tmp_path: Path) -> None:
    a_running_stack(tmp_path)
    found = load_settings({}, tmp_path)
    assert (found.secrets_key, found.erasure_key) == ("sealing", "own")
    given = load_settings({"MEDIA_GATEWAY_ERASURE_KEY": "mine"}, tmp_path)
    assert given.erasure_key == "mine,own"  # who was erased under the stack's own stays known


def test_settings_survive_the_environment_of_a_child(tmp_path: Path) -> None:
    settings = replace(Settings(), data_dir=tmp_path, port=9999, cowatch_lambda=1.5, namespace="n")
    assert Settings.from_env(environment_of(settings)) == settings


def test_bad_setting_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEDIA_GATEWAY_PORT", "many")
    result = CliRunner().invoke(main, ["up", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output == "Error: MEDIA_GATEWAY_PORT='many' is not a valid int\n"


def test_expected_errors_are_one_sentence_and_debug_shows_the_rest() -> None:
    with pytest.raises(click.ClickException, match="no Java"), one_sentence_errors(debug=False):
        raise KafkaStartError("no Java")
    with pytest.raises(KafkaStartError), one_sentence_errors(debug=True):
        raise KafkaStartError("no Java")


def test_bugs_keep_their_traceback() -> None:
    @click.command()
    @with_settings()
    def broken(settings: Settings) -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(broken).exception, ZeroDivisionError)


def test_up_names_the_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["up", "--data-dir", str(tmp_path), "--port", port])
    assert result.exit_code == 1
    assert result.output == f"Error: port {port} is in use: choose another one with --port\n"


def test_up_refuses_a_directory_where_another_stack_runs(tmp_path: Path) -> None:
    a_running_stack(tmp_path)
    result = CliRunner().invoke(main, ["up", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert f"another stack (process {os.getpid()}) runs in {tmp_path}" in result.output


def test_up_refuses_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["up", "--data-dir", str(tmp_path / "file" / "data")])
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_worker_names_the_agents_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody")
    result = CliRunner().invoke(
        main, ["worker", "--agents", "no-such", "--data-dir", str(tmp_path)]
    )
    assert result.exit_code == 2
    assert "no agent 'no-such'; there are: catalogue" in result.output


def test_without_a_metrics_port_each_worker_takes_any_free_one() -> None:
    assert [wanted_port(Settings(), number) for number in range(3)] == [0, 0, 0]


def test_metrics_ports_count_up_and_a_taken_one_is_replaced_by_any_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = replace(Settings(), metrics_port=taken.getsockname()[1])
        assert wanted_port(settings, 0) == 0
    free = free_port()
    assert wanted_port(replace(Settings(), metrics_port=free - 2), 2) == free
