"""The embedded Postgres: starts, keeps its data, says clearly why it cannot."""

import itertools
import os
import signal
import socket
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.embedded.errors import PostgresStartError
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.process import LOOPBACK, PORT_RETRIES, free_port
from tests.support.waiting import wait_until


def test_data_survives_a_restart_and_extensions_are_there(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server, psycopg.connect(server.database_url) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE TABLE kept AS SELECT '[1,2]'::vector AS v")
    with EmbeddedPostgres(tmp_path) as server, psycopg.connect(server.database_url) as connection:
        assert connection.execute("SELECT v::text FROM kept").fetchone() == ("[1,2]",)


def test_password_is_private_and_needed(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        assert (tmp_path / "password").stat().st_mode & 0o077 == 0
        wrong = server.database_url.replace((tmp_path / "password").read_text(), "wrong")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(wrong)


def test_data_survives_a_kill(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    url = server.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    backends = psutil.Process(server.pid).children(recursive=True)
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    wait_until(lambda: not any(item.is_running() for item in backends), what="backends gone")
    with EmbeddedPostgres(tmp_path) as again, psycopg.connect(again.database_url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PostgresStartError, match=f"^port {port} is in use"):
            EmbeddedPostgres(tmp_path, port=port).start()


def test_second_server_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path), pytest.raises(PostgresStartError, match="lock file"):
        EmbeddedPostgres(tmp_path).start()


def test_unwritable_directory_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PostgresStartError, match="cannot be written"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_chosen_port_that_another_server_takes_is_replaced(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "other") as other:
        theirs = int(other.database_url.rpartition(":")[2].partition("/")[0])
        ports = itertools.chain([theirs], iter(free_port, None))
        with (
            EmbeddedPostgres(tmp_path / "ours", choose_port=lambda: next(ports)) as ours,
            psycopg.connect(ours.database_url) as connection,
        ):
            assert connection.info.port != theirs


def test_start_gives_up_after_three_replaced_ports(tmp_path: Path) -> None:
    asked: list[int] = []
    with socket.create_server((LOOPBACK, 0)) as taken:

        def choose() -> int:
            asked.append(taken.getsockname()[1])
            return asked[-1]

        with pytest.raises(PostgresStartError, match="keep taking the free ports"):
            EmbeddedPostgres(tmp_path, choose_port=choose).start()
    assert len(asked) == 1 + PORT_RETRIES
