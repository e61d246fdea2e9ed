"""``media-gateway partner``: who may post webhooks."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from cli.options import CommandError, with_settings
from infra.postgres.partners import Partner, PartnerExists, PartnerStore
from infra.postgres.pool import create_pool
from infra.security.sealing import Sealer
from infra.security.webhooks import create_secret, format_secret
from infra.settings import Settings
from infra.wall_clock import now_ms

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9][a-z0-9\-]{0,39}", re.ASCII)


@click.group()
def partner() -> None:
    """Add and list content partners."""


@partner.command()
@click.argument("name")
@click.option("--mapper", required=True, help="Name of the mapper that reads its payloads.")
@with_settings(database=True)
def create(settings: Settings, name: str, mapper: str) -> None:
    """Add a partner and print its webhook secret, alone on the last line.

    The secret signs webhooks (Standard Webhooks 1.0). It is shown once.

    \b
    Examples:
      media-gateway partner create acme --mapper generic
      SECRET=$(media-gateway partner create acme --mapper generic | tail -n 1)
    """
    if not NAME.fullmatch(name):
        raise CommandError(f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and begins without -")
    check_mapper(mapper)
    secret = create_secret()
    try:
        run(settings, lambda store: store.create(name, mapper, secret))
    except PartnerExists as error:
        raise CommandError(str(error)) from error
    click.echo(f"partner {name} posts to /api/v1/webhooks/{name}; its secret, shown once:")
    click.echo(format_secret(secret))


@partner.command("list")
@with_settings(database=True)
def list_partners(settings: Settings) -> None:
    """List partners: name, mapper, state, number of live secrets."""
    for item in run(settings, lambda store: store.list_all()):
        click.echo(line(item))


def line(item: Partner) -> str:
    """Return the line of one partner."""
    state = "enabled" if item.enabled else "disabled"
    return f"{item.partner}\t{item.mapper}\t{state}\t{len(item.secrets)} secret(s)"


def check_mapper(mapper: str) -> None:
    """Refuse a mapper that the catalogue agent does not have."""
    from domain.catalogue.mappers.registry import MAPPERS

    if mapper not in MAPPERS:
        raise CommandError(f"no mapper {mapper!r}; there are: {', '.join(sorted(MAPPERS))}")


def run(settings: Settings, work: Callable[[PartnerStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(PartnerStore(pool, Sealer(settings.secrets_key), now_ms))

    return asyncio.run(with_store())
