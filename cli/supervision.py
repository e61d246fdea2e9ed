"""Parts of the supervisor that know no component: run together, stop together, tell who died."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.runtime.ready import READY_LINE
from infra.embedded.errors import ChildDiedError, EmbeddedError
from infra.embedded.process import LOOPBACK, Child, port_is_free
from infra.settings import Settings

NAME_WIDTH = 18
POLL_S = 0.05
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on


def line(name: str, seconds: float, detail: str) -> str:
    """Return the line that says a component is ready."""
    return f"{name:<{NAME_WIDTH}} ready in {seconds:5.1f} s  {detail}"


def died(child: Child, code: int) -> ChildDiedError:
    """Return the error for a component that ended by itself."""
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
    return ChildDiedError(
        f"{child.name} ended with {how}; its log is {child.log_path}", child.tail()
    )


def has_line(path: Path, wanted: str = READY_LINE) -> bool:
    """Whether a log has a line that says exactly ``wanted``."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return any(text.rstrip("\n") == wanted for text in file)


def wanted_port(settings: Settings, number: int) -> int:
    """Return the metrics port of worker ``number`` (from 0): as set, counted up from there.

    0, which is any free port, if none is set or that one is in use: metrics elsewhere are better
    than no worker, and the worker's ready line says where they are.
    """
    port = settings.metrics_port + number
    if not settings.metrics_port or not port_is_free(port, settings.metrics_host):
        return 0
    return port


def metrics_url(worker: Child) -> str:
    """Return where a worker that is ready serves its metrics: the only port it listens on.

    Asked of the system and not read from the log, which may hold warnings only.

    Raises:
        EmbeddedError: it listens nowhere.
    """
    listening = worker.listening()
    if not listening:
        raise EmbeddedError(f"{worker.name} serves no metrics; its log is {worker.log_path}")
    host, port = listening[0]
    if host in EVERY_ADDRESS:
        host = LOOPBACK
    return f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"


def run_together(jobs: dict[str, Callable[[], str]], echo: Callable[[str], None]) -> None:
    """Run jobs in threads; echo each as it ends; raise the first error at once."""
    started = time.monotonic()
    results: dict[str, str | BaseException] = {}

    def run(name: str) -> None:
        try:
            results[name] = jobs[name]()
        except BaseException as problem:  # carried to the caller's thread
            results[name] = problem

    for name in jobs:
        # Daemons: when one job fails, the end of this process does not wait for the other.
        threading.Thread(target=run, args=(name,), daemon=True).start()
    waiting = set(jobs)
    while waiting:
        for name in sorted(waiting & results.keys()):
            result = results[name]
            if isinstance(result, BaseException):
                raise result
            echo(line(name, time.monotonic() - started, result))
            waiting.remove(name)
        time.sleep(POLL_S)


def stop_together(children: list[Child], deadline: float) -> None:
    """Ask all to stop at once, then end each, by force from ``deadline`` (monotonic seconds) on."""
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop(max(0.0, deadline - time.monotonic()))


@contextmanager
def signals_held() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM for a while: a second one must not leave children behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in wanted]
    try:
        yield
    finally:
        for number, handler in zip(wanted, before, strict=True):
            signal.signal(number, handler)
