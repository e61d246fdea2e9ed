"""`media-gateway up` as a person runs it: ready lines, clean ends, state kept, clear errors."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import httpx2
import psutil
import pytest

from infra.data_dir import DataDir
from infra.embedded.process import free_port
from tests.support.up_process import Up, alive, running
from tests.support.waiting import wait_until

STOP_TIMEOUT_S = 15
COMPONENTS = (
    "kafka", "postgres", "migrations", "topics", "worker-stream-1", "worker-stream-2",
    "worker-serving-1", "worker-fit-1", "api",
)  # fmt: skip


def assert_all_gone(processes: list[psutil.Process], timeout_s: float = 15) -> None:
    wait_until(
        lambda: not [item for item in processes if alive(item)],
        timeout_s,
        f"all children gone: {[item for item in processes if alive(item)]}",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_every_child_within_15_s(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data") as up:
        for name in COMPONENTS:
            assert re.search(rf"^{name} +ready in +[\d.]+ s", up.text, re.MULTILINE), up.text
        children = up.descendants()
        assert len(children) >= len(COMPONENTS) - 2
        started = time.monotonic()
        up.process.send_signal(number)
        assert up.process.wait(STOP_TIMEOUT_S) == 0
        assert time.monotonic() - started < STOP_TIMEOUT_S
        assert_all_gone(children, timeout_s=1)
        assert DataDir(up.data_dir).running() is None


def test_every_workers_metrics_are_shown_and_a_taken_port_harms_none(
    tmp_path: Path, kafka_bootstrap: str, fresh_database_url: str
) -> None:
    given = {"KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap, "DATABASE_URL": fresh_database_url}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = taken.getsockname()[1]  # of the first worker, which must go elsewhere
        given |= {"MEDIA_GATEWAY_METRICS_PORT": str(base), "MEDIA_GATEWAY_LOG_LEVEL": "WARNING"}
        with running(tmp_path / "data", **given) as up:
            stack = DataDir(up.data_dir).running()
            assert stack is not None
            assert set(stack.metrics_urls) == {name for name in COMPONENTS if "worker" in name}
            assert len(set(stack.metrics_urls.values())) == len(stack.metrics_urls)
            for name, url in stack.metrics_urls.items():
                assert f"process {stack.pids[name]}, metrics {url}\n" in up.text
                assert f":{base}/" not in url
                page = httpx2.get(url)
                assert page.status_code == 200
                assert "mg_agent_records_total" in page.text


def test_a_killed_supervisor_leaves_nothing_and_the_next_up_carries_on(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running(data_dir) as up:
        children = up.descendants()
        up.process.kill()
        assert_all_gone(children, timeout_s=30)
    with running(data_dir) as again:
        assert "0 applied" in again.text
        assert "0 created" in again.text
        assert httpx2.get(f"http://127.0.0.1:{again.port}/healthz").status_code == 200


def test_a_component_that_dies_is_named_and_everything_stops(tmp_path: Path) -> None:
    with running(tmp_path / "data") as up:
        children = up.descendants()
        os.kill(up.pids()["worker-stream-1"], signal.SIGKILL)
        assert up.process.wait(STOP_TIMEOUT_S + 5) == 1
        assert "worker-stream-1 ended with signal SIGKILL; its log is " in up.text
        log = (tmp_path / "data/logs/worker-stream-1.log").read_text().splitlines()
        shown = [each[4:] for each in up.text.splitlines() if each.startswith("  | ")]
        assert shown == log[-len(shown) :] != []
        assert "ready" in log
        assert_all_gone(children, timeout_s=1)


def test_a_second_up_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running(data_dir) as up:
        second = Up(data_dir)
        assert second.process.wait(60) == 1
        assert f"another stack (process {up.process.pid}) runs in {data_dir}" in second.text
        assert up.process.poll() is None


def test_given_servers_are_used_and_none_is_started(
    tmp_path: Path, kafka_bootstrap: str, fresh_database_url: str
) -> None:
    given = {"KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap, "DATABASE_URL": fresh_database_url}
    with running(tmp_path / "data", **given) as up:
        assert set(up.pids()) == {name for name in COMPONENTS if "worker" in name} | {"api"}
        up.process.terminate()
        assert up.process.wait(STOP_TIMEOUT_S) == 0


def test_unreachable_registry_is_one_sentence(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    up = Up(
        tmp_path / "data",
        MEDIA_GATEWAY_CACHE_DIR=str(tmp_path / "cache"),
        HTTPS_PROXY=nowhere, https_proxy=nowhere, NO_PROXY="", no_proxy="",
    )  # fmt: skip
    assert up.process.wait(60) == 1
    assert "cannot be fetched from Maven Central" in up.text
    assert "check the network, or set KAFKA_BOOTSTRAP_SERVERS" in up.text
    assert "Traceback" not in up.text


def test_jars_with_other_bytes_are_refused(tmp_path: Path) -> None:
    from infra.embedded.jars import KAFKA_VERSION, read_lock

    folder = tmp_path / "cache" / f"kafka-{KAFKA_VERSION}"
    folder.mkdir(parents=True)
    for jar in read_lock():
        (folder / jar.file_name).write_bytes(b"not what was locked")
    up = Up(tmp_path / "data", MEDIA_GATEWAY_CACHE_DIR=str(tmp_path / "cache"))
    assert up.process.wait(60) == 1
    assert "the lock file says" in up.text
    assert "Traceback" not in up.text
