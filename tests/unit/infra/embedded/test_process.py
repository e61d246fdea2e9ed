"""Children are logged, stopped in time, and die with their parent."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from infra.embedded.errors import EmbeddedError
from infra.embedded.process import (
    LOOPBACK,
    Child,
    free_port,
    make_directory,
    port_is_free,
    require_disk,
    tail,
)
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[4]
SLEEPER = "print('up', flush=True); import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER


def a_child(tmp_path: Path, code: str) -> Child:
    return Child("child", [sys.executable, "-c", code], log_path=tmp_path / "child.log")


def started(child: Child) -> Child:
    child.start()
    wait_until(lambda: child.tail() == ["up"], what="the child's first line")
    return child


def test_child_stops_when_asked(tmp_path: Path) -> None:
    child = started(a_child(tmp_path, SLEEPER))
    assert child.running()
    assert child.stop(timeout_s=30)
    assert child.exit_code() == -signal.SIGTERM


def test_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    child = started(a_child(tmp_path, STUBBORN))
    assert not child.stop(timeout_s=0.2)
    assert child.exit_code() == -signal.SIGKILL


def test_grandchildren_end_with_the_child(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).wait()"
    child = started(a_child(tmp_path, code))
    (grandchild,) = psutil.Process(child.pid).children()
    child.stop(timeout_s=30)
    wait_until(lambda: gone(grandchild), what="grandchild gone")


def test_child_stopped_before_its_start_never_starts(tmp_path: Path) -> None:
    child = a_child(tmp_path, SLEEPER)
    assert child.stop(timeout_s=1)
    child.start()
    assert child.pid == 0


def test_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = a_child(tmp_path, f"print({word!r})")
        child.start()
        wait_until(lambda c=child: not c.running(), what="the child's end")
    assert tail(tmp_path / "child.log") == ["second"]
    assert tail(tmp_path / "child.log.1") == ["first"]


def test_the_ports_a_child_listens_on_are_seen_oldest_first(tmp_path: Path) -> None:
    code = """
import socket, time
first = socket.create_server(("127.0.0.1", 0))
mapped = socket.socket(socket.AF_INET6)  # as Java does
mapped.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
mapped.bind(("::ffff:127.0.0.1", 0))
mapped.listen()
print(first.getsockname()[1], mapped.getsockname()[1], flush=True)
time.sleep(600)
"""
    child = a_child(tmp_path, code)
    assert child.listening() == []
    child.start()
    wait_until(lambda: child.tail() != [], what="the child's ports")
    first, second = (int(port) for port in child.tail()[0].split())
    assert child.listening() == [(LOOPBACK, first), (LOOPBACK, second)]
    child.stop(timeout_s=30)
    assert child.listening() == []


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_children_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
        import sys, time
        from pathlib import Path
        from infra.embedded.process import Child
        argv = [sys.executable, "-c", {SLEEPER!r}]
        child = Child("c", argv, log_path=Path({str(tmp_path / "c.log")!r}))
        child.start()
        print(child.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        wait_until(lambda: tail(tmp_path / "c.log") == ["up"], what="the child's first line")
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: gone(child), what="child gone")


def test_port_in_use_is_seen() -> None:
    port = free_port()
    assert port_is_free(port)
    with socket.socket() as taken:
        taken.bind((LOOPBACK, port))
        taken.listen()
        assert not port_is_free(port)


def test_too_little_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"MiB of disk left, 999999999999 MiB are needed"):
        require_disk(tmp_path / "not" / "there", 999_999_999_999, EmbeddedError)


def test_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="cannot be written: Not a directory"):
        make_directory(tmp_path / "file" / "data", EmbeddedError)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
