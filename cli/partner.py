"""``media-gateway partner``: who may post webhooks, how they sign, and how much they may send."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cli import partner_options as options
from cli.actor import cli_actor
from cli.durations import Duration, moment
from cli.options import CommandError, with_settings
from cli.partner_text import details, line
from infra.postgres.partners import (
    NewPartner,
    Partner,
    PartnerExists,
    PartnerStore,
    TooManyKeys,
    UnknownPartner,
    Unreadable,
)
from infra.postgres.pool import create_pool
from infra.security.partner_keys import PUBLIC_KEY, SECRET, Key, KeysDoNotFit, first_keys
from infra.security.sealing import SealingError, sealer_of
from infra.security.webhook_keys import Scheme, create_secret, format_secret
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.admin_api import OVERLAP_S_MAX
from schemas.ids import PARTNER_PATTERN

T = TypeVar("T")


@click.group()
def partner() -> None:
    """Add, show and change content partners; rotate their secrets."""


@partner.command()
@click.argument("name")
@click.option("--mapper", required=True, help="Name of the mapper that reads its payloads.")
@options.display_name
@options.schemes
@options.tier
@options.body_bytes
@options.deliveries_per_s
@options.public_key
@with_settings(database=True)
def create(
    settings: Settings, name: str, mapper: str, public_key: bytes | None, **fields: Any
) -> None:
    """Add a partner and print its webhook secret, alone on the last line. It is shown once.

    A partner that signs by private key (v1a) gives its public key, and has no secret.

    \b
    Examples:
      media-gateway partner create acme --mapper generic
      SECRET=$(media-gateway partner create acme --mapper generic | tail -n 1)
      media-gateway partner create globex --mapper film-catalogue --tier pro --public-key whpk_...
    """
    if not PARTNER_PATTERN.fullmatch(name):
        raise CommandError(f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and begins without -")
    check_mapper(mapper)
    given = {key: value for key, value in fields.items() if value is not None}
    given.setdefault("schemes", (Scheme.V1A,) if public_key else (Scheme.V1,))
    new = NewPartner(name, mapper, **given)
    try:
        keys = first_keys(new.schemes, public_key)
    except KeysDoNotFit as error:
        raise CommandError(f"{error} (--schemes, --public-key)") from error
    run(settings, lambda store: store.create(cli_actor(), new, keys))
    click.echo(f"partner {name} posts to /api/v1/webhooks/{name}, signed by {signs_by(new)}")
    for key in keys:
        if key.kind == SECRET:
            click.echo("its secret, shown once:")
            click.echo(format_secret(key.value))


@partner.command("list")
@with_settings(database=True)
def list_partners(settings: Settings) -> None:
    """List partners: name, mapper, state, live keys, schemes, tier.

    One whose keys cannot be opened is named, and the exit code is 1; the others are listed.

    \b
    Example:
      media-gateway partner list
    """
    found = run(settings, lambda store: store.list_all())
    for item in found:
        if isinstance(item, Partner):
            click.echo(line(item))
    unreadable = [each for each in found if isinstance(each, Unreadable)]
    for each in unreadable:
        click.echo(f"not listed: partner {each.partner}: {each.reason}", err=True)
    if unreadable:
        raise CommandError(f"{len(unreadable)} of {len(found)} partners cannot be read")


@partner.command()
@click.argument("name")
@with_settings(database=True)
def show(settings: Settings, name: str) -> None:
    """Show one partner: limits, and of its keys the fingerprint and until when they are valid.

    A fingerprint is the first 8 hexadecimal digits of the SHA-256 of the key's bytes.

    \b
    Example:
      media-gateway partner show acme
    """
    found = known(settings, name)
    keys = run(settings, lambda store: store.live_keys(name))
    click.echo("\n".join(details(found, keys)))


@partner.command("set")
@click.argument("name")
@click.option("--mapper", help="Name of the mapper that reads its payloads.")
@options.display_name
@options.schemes
@options.tier
@options.body_bytes
@options.deliveries_per_s
@with_settings(database=True)
def change(settings: Settings, name: str, **fields: Any) -> None:
    """Change what is given, and nothing else; the API follows within seconds.

    \b
    Examples:
      media-gateway partner set acme --tier pro --body-bytes 131072
      media-gateway partner set acme --body-bytes tier
      media-gateway partner set acme --schemes v1,v1a
    """
    context = click.get_current_context()
    changes = {
        key: value
        for key, value in fields.items()
        if context.get_parameter_source(key) is ParameterSource.COMMANDLINE
    }
    if not changes:
        raise CommandError("nothing to change: give at least one option, see --help")
    if "mapper" in changes:
        check_mapper(changes["mapper"])
    run(settings, lambda store: store.change(cli_actor(), name, changes))
    click.echo(f"changed {name}: {', '.join(sorted(changes))}")


@partner.command()
@click.argument("name")
@click.option(
    "--overlap",
    type=Duration(maximum_s=OVERLAP_S_MAX),
    default="24h",
    show_default=True,
    help="How long the older keys stay valid: up to 7d; 0 ends them now.",
)
@options.public_key
@with_settings(database=True)
def rotate(settings: Settings, name: str, overlap: int, public_key: bytes | None) -> None:
    """Give a partner a new secret, shown once on the last line, or take its new public key.

    The older keys stay valid for the overlap, so that the partner can change over; `show` says
    until when. At most 3 keys are live. A secret that leaked is ended with --overlap 0.

    \b
    Examples:
      media-gateway partner rotate acme
      media-gateway partner rotate acme --overlap 7d
      media-gateway partner rotate acme --overlap 0
      media-gateway partner rotate globex --public-key whpk_...
    """
    key = Key(PUBLIC_KEY, public_key) if public_key else Key(SECRET, create_secret())
    overlap_ms = overlap * 1000
    run(settings, lambda store: store.rotate(cli_actor(), name, key, overlap_ms))
    until = f"valid until {moment(now_ms() + overlap_ms)}" if overlap else "no longer valid"
    click.echo(f"the older keys of {name} are {until}")
    if public_key is None:
        click.echo("the new secret, shown once:")
        click.echo(format_secret(key.value))


@partner.command()
@click.argument("name")
@with_settings(database=True)
def enable(settings: Settings, name: str) -> None:
    """Let a partner post again.

    \b
    Example:
      media-gateway partner enable acme
    """
    run(settings, lambda store: store.change(cli_actor(), name, {"enabled": True}))
    click.echo(f"enabled {name}")


@partner.command()
@click.argument("name")
@with_settings(database=True)
def disable(settings: Settings, name: str) -> None:
    """Refuse what a partner posts (404) and its API keys (401), within seconds.

    Its secrets, API keys and titles stay: `enable` makes them good again.

    \b
    Example:
      media-gateway partner disable acme
    """
    run(settings, lambda store: store.change(cli_actor(), name, {"enabled": False}))
    click.echo(f"disabled {name}")


def check_mapper(mapper: str) -> None:
    """Refuse a mapper that the catalogue agent does not have."""
    from domain.catalogue.mappers.registry import MAPPERS

    if mapper not in MAPPERS:
        raise CommandError(f"no mapper {mapper!r}; there are: {', '.join(sorted(MAPPERS))}")


def signs_by(new: NewPartner) -> str:
    """Return the schemes in words."""
    return " or ".join(new.schemes)


def known(settings: Settings, name: str) -> Partner:
    """Return the partner with this name."""
    found = run(settings, lambda store: store.find(name))
    if found is None:
        raise CommandError(f"there is no partner {name!r}; `media-gateway partner list` shows all")
    return found


def run(settings: Settings, work: Callable[[PartnerStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store; what a person can act on becomes one sentence."""

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(PartnerStore(pool, sealer_of(settings), now_ms))

    try:
        return asyncio.run(with_store())
    except TooManyKeys as error:
        raise CommandError(
            f"{error}: the first ends {moment(error.until_ms)}; wait, or end all older ones with "
            "--overlap 0"
        ) from error
    except (PartnerExists, UnknownPartner, KeysDoNotFit, SealingError) as error:
        raise CommandError(str(error)) from error
