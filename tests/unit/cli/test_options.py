"""What is checked before a command begins."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.options import load_settings
from infra.data_dir import DataDir, RunningStack, own_start_s
from infra.kafka.security import security_settings
from infra.settings import Settings, SettingsError

SECURE = Settings(
    kafka_bootstrap_servers="kafka.example.com:9093",
    kafka_security_protocol="SASL_SSL",
    kafka_sasl_mechanism="SCRAM-SHA-512",
    kafka_sasl_username="gateway",
    kafka_sasl_password="hunter2",
)


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """Return the data directory of a stack that was given a Kafka with TLS and a login."""
    stack = RunningStack(
        pid=os.getpid(), pid_started_at_s=own_start_s(), started_at="2026-01-01T00:00:00+00:00",
        kafka_bootstrap_servers=SECURE.kafka_bootstrap_servers, database_url="",
        kafka_security=security_settings(SECURE),
    )  # fmt: skip
    DataDir(tmp_path).write(stack)
    return tmp_path


@pytest.mark.parametrize(
    "url",
    ["junk-hunter2", "postgresql://u:hunter2%@127.0.0.1/d", "postgresql://u:hunter2@h/d?no=x"],
)
def test_a_database_url_that_is_none_is_one_sentence_without_the_password(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    result = CliRunner().invoke(main, ["partner", "list", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.startswith("Error: DATABASE_URL is not the address of a Postgres database")
    assert len(result.output.splitlines()) == 1
    assert "hunter2" not in result.output


def test_a_running_stack_says_how_its_kafka_is_spoken_to(running: Path) -> None:
    found = load_settings({}, running)
    assert found.kafka_bootstrap_servers == SECURE.kafka_bootstrap_servers
    assert security_settings(found) == security_settings(SECURE)


def test_another_kafka_is_not_spoken_to_with_the_stacks_login(running: Path) -> None:
    found = load_settings({"KAFKA_BOOTSTRAP_SERVERS": "other:9092"}, running)
    assert security_settings(found) == security_settings(Settings())


def test_a_login_without_its_kafka_is_refused(running: Path) -> None:
    with pytest.raises(SettingsError, match="set without KAFKA_BOOTSTRAP_SERVERS") as refused:
        load_settings({"KAFKA_SASL_PASSWORD": "hunter2"}, running)
    assert "hunter2" not in str(refused.value)


def test_the_embedded_kafka_is_not_started_where_tls_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    result = CliRunner().invoke(main, ["up", "--data-dir", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert "KAFKA_SECURITY_PROTOCOL is set without KAFKA_BOOTSTRAP_SERVERS" in result.output
    assert not (tmp_path / "data" / "kafka").exists()


@pytest.mark.parametrize("command", [["topics", "list"], ["worker"], ["rule", "list"]])
def test_contradictions_are_said_before_anything_is_connected_to(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example.com:9092")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "hunter2")
    result = CliRunner().invoke(main, [*command, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.startswith("Error: KAFKA_SASL_PASSWORD is set, but KAFKA_SECURITY_PROT")
    assert len(result.output.splitlines()) == 1
    assert "hunter2" not in result.output
