"""``media-gateway migrate``: bring the database up to date."""

import click

from cli.options import with_settings
from infra.settings import Settings


@click.command()
@with_settings(database=True)
def migrate(settings: Settings) -> None:
    """Apply the migrations that the database lacks, in order.

    Several may run at once: one works, the others wait.

    \b
    Examples:
      media-gateway migrate
      DATABASE_URL=postgresql://me@db/gateway media-gateway migrate
    """
    from cli.preparation import apply_migrations

    applied = apply_migrations(settings)
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("up to date")
