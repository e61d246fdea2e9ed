"""``media-gateway up``: start everything on this machine and keep it running."""

import signal
from dataclasses import replace
from types import FrameType

import click

from cli.options import with_settings
from infra.settings import Settings


@click.command()
@with_settings()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API.  [default: 8080]")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that run the stream agents.",
)
def up(settings: Settings, port: int | None, workers: int) -> None:
    """Start Kafka, Postgres, workers and the API on this machine, and keep them running.

    Ctrl-C or SIGTERM stops everything within 15 s. The data directory keeps all state: a second
    `up` carries on with it. Set KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL to use a server that runs
    already instead of an embedded one.

    \b
    Examples:
      media-gateway up
      media-gateway up --data-dir /tmp/gateway --port 9000 --workers 2
      DATABASE_URL=postgresql://me@db/gateway media-gateway up
    """
    from cli.stack import Stack

    if port is not None:
        settings = replace(settings, port=port)
    # SIGTERM takes the way of Ctrl-C, so one path ends the children.
    for number in (signal.SIGTERM, signal.SIGINT):  # the latter is ignored in background jobs
        signal.signal(number, interrupt)
    try:
        with Stack(settings, workers=workers) as stack:
            click.echo(f"logs: {stack.data_dir.logs}; Ctrl-C stops everything")
            stack.watch()
    except KeyboardInterrupt:
        click.echo("stopped")


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise what Ctrl-C raises."""
    raise KeyboardInterrupt
