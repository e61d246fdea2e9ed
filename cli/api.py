"""``media-gateway api``: the HTTP server."""

from dataclasses import replace

import click

from cli.options import with_settings
from infra.settings import Settings


@click.command()
@with_settings(kafka=True, database=True)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port.  [default: 8080]")
def api(settings: Settings, host: str | None, port: int | None) -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C.

    \b
    Examples:
      media-gateway api
      media-gateway api --host 0.0.0.0 --port 9000
      MEDIA_GATEWAY_API_PROCESSES=4 media-gateway api
    """
    from api.server import serve

    serve(replace(settings, host=host or settings.host, port=port or settings.port))
