"""Settings -> HTTP server processes, until SIGTERM or SIGINT.

uvicorn with the httptools parser and uvloop; docs/adr/0007-asgi-server.md has the measurement. The
h11 parser must never be used: it answers both requests of a smuggled pair. ``api.edge.protocol``
bounds what uvicorn does not. With several processes one socket is shared and the metrics of all are
summed from files.
"""

import asyncio
import ctypes
import logging
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from api.edge.bounds import Bounds
from api.edge.connections import Connections
from infra.garbage import collect_garbage_rarely
from infra.settings import Settings
from infra.unprotected import warn_of_unprotected

GRACE_S = 5  # for requests in progress; closing Kafka and Postgres takes up to 4 s more
BACKLOG = 2048
METRICS_DIR_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when imported
PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


CreateApp = Callable[[Settings], Starlette]


def server_config(settings: Settings, create: Callable[[], Starlette]) -> uvicorn.Config:
    """Return the configuration of the server; nothing is left to uvicorn's choice."""
    bounds = Bounds.from_settings(settings)
    return uvicorn.Config(
        create,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.api_processes,
        http=partial(bounded_protocol, bounds, Connections(bounds)),  # type: ignore[arg-type]
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=settings.http_keep_alive_s,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.tls_certificate_file or None,
        ssl_keyfile=settings.tls_key_file or None,
    )


def bounded_protocol(
    bounds: Bounds, open_connections: Connections, **server: Any
) -> asyncio.Protocol:
    """Return the protocol of one connection; imported late, for its metrics as in ``create``."""
    from api.edge.protocol import BoundedProtocol

    return BoundedProtocol(bounds, open_connections, **server)


def warn_of_separate_limits(settings: Settings) -> None:
    """Say what several processes mean for the limits of callers."""
    if not settings.limits_url:
        log.warning(
            "%d API processes without MEDIA_GATEWAY_LIMITS_URL: each counts for itself, so a "
            "caller may get up to %d times its rate limit",
            settings.api_processes,
            settings.api_processes,
        )


def return_after_signal() -> None:
    """Make a stop by signal a normal end: uvicorn raises the signal again when it has stopped."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def create(settings: Settings) -> Starlette:
    """Return the application; imported here, so that its metrics see the directory set above."""
    from api.app import create_app
    from api.edge.protocol import check_internals

    check_internals()
    app = create_app(settings)
    collect_garbage_rarely()
    return app


def create_process_app(create: CreateApp, settings: Settings, parent: int) -> Starlette:
    """Return the application of one of several processes, which ends when its parent does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the parent process has ended")
    configure_logging(settings)
    return create(settings)


def serve(settings: Settings, create: CreateApp = create) -> None:
    """Serve the API; returns after a graceful stop, within 10 s of the signal.

    Raises:
        SettingsError: a setting cannot be used; said before anything is started.
    """
    configure_logging(settings)
    warn_of_unprotected(settings)
    if settings.api_processes == 1:
        config = server_config(settings, partial(create, settings))
        return_after_signal()
        uvicorn.Server(config).run()
        return
    warn_of_separate_limits(settings)
    one_of_several = partial(create_process_app, create, settings, os.getpid())
    config = server_config(settings, one_of_several)
    os.environ[METRICS_DIR_VARIABLE] = str(fresh_directory(settings.data_dir / "api-metrics"))
    Multiprocess(config, sockets=[config.bind_socket()]).run()


def configure_logging(settings: Settings) -> None:
    """Log to standard error, one line an event."""
    logging.basicConfig(level=settings.log_level, format=LOG_FORMAT)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # its retries; failures are ours to say


def fresh_directory(path: Path) -> Path:
    """Return an empty directory: counters of an earlier run would be added to ours."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path.absolute()
