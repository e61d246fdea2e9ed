"""``media-gateway secrets``: the key that secrets at rest are encrypted with."""

import asyncio

import click

from cli.actor import cli_actor
from cli.options import CommandError, with_settings
from infra.postgres.pool import create_pool
from infra.postgres.sealed_columns import reseal
from infra.security.sealing import sealer_of
from infra.settings import Settings


@click.group()
def secrets() -> None:
    """Change the key that secrets are encrypted with."""


@secrets.command()
@with_settings(database=True)
def rotate(settings: Settings) -> None:
    """Encrypt all stored secrets with MEDIA_GATEWAY_SECRETS_KEY: partners' and operators'.

    Earlier keys are in MEDIA_GATEWAY_SECRETS_KEYS_OLD until this has run; then they can go. Either
    all secrets are encrypted anew, or none. It can be run again at any time.

    \b
    Example:
      export MEDIA_GATEWAY_SECRETS_KEYS_OLD=$OLD MEDIA_GATEWAY_SECRETS_KEY=$NEW
      media-gateway secrets rotate
    """

    async def run() -> dict[str, int]:
        sealer = sealer_of(settings)
        if not sealer.has_key:
            raise CommandError(
                "MEDIA_GATEWAY_SECRETS_KEY is not set: there is nothing to seal with"
            )
        async with create_pool(settings) as pool:
            return await reseal(pool, sealer, cli_actor())

    changed = asyncio.run(run())
    for table, count in changed.items():
        click.echo(f"{table}: {count} sealed anew")
