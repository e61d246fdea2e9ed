"""Settings -> HTTP server processes, until SIGTERM or SIGINT.

uvicorn with the httptools parser and uvloop; docs/adr/0007-asgi-server.md has the measurement. The
h11 parser must never be used: it answers both requests of a smuggled pair. With several processes
one socket is shared and the metrics of all are summed from files.
"""

import ctypes
import logging
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from api.protocol import ProblemProtocol
from infra.garbage import collect_garbage_rarely
from infra.settings import Settings

KEEP_ALIVE_S = 15
GRACE_S = 5  # for requests in progress; closing Kafka and Postgres takes up to 4 s more
BACKLOG = 2048
METRICS_DIR_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when imported
PR_SET_PDEATHSIG = 1
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def serve(settings: Settings) -> None:
    """Serve the API; returns after a graceful stop, within 10 s of the signal."""
    configure_logging(settings)
    several = settings.api_processes > 1
    alone, one_of_several = (
        partial(create, settings),
        partial(create_process_app, settings, os.getpid()),
    )
    config = uvicorn.Config(
        one_of_several if several else alone,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.api_processes,
        http=ProblemProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    if not several:
        return_after_signal()
        uvicorn.Server(config).run()
        return
    os.environ[METRICS_DIR_VARIABLE] = str(fresh_directory(settings.data_dir / "api-metrics"))
    Multiprocess(config, sockets=[config.bind_socket()]).run()


def return_after_signal() -> None:
    """Make a stop by signal a normal end: uvicorn raises the signal again when it has stopped."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def create(settings: Settings) -> Starlette:
    """Return the application; imported here, so that its metrics see the directory set above."""
    from api.app import create_app

    app = create_app(settings)
    collect_garbage_rarely()
    return app


def create_process_app(settings: Settings, parent: int) -> Starlette:
    """Return the application of one of several processes, which ends when its parent does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the parent process has ended")
    configure_logging(settings)
    return create(settings)


def configure_logging(settings: Settings) -> None:
    """Log to standard error, one line an event."""
    logging.basicConfig(level=settings.log_level, format=LOG_FORMAT)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # its retries; failures are ours to say


def fresh_directory(path: Path) -> Path:
    """Return an empty directory: counters of an earlier run would be added to ours."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path.absolute()
