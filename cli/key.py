"""``media-gateway key``: API keys of apps."""

import asyncio
import datetime
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from cli.options import CommandError, with_settings
from infra.postgres.api_keys import ApiKey, ApiKeyStore, NoSuchOwner
from infra.postgres.pool import create_pool
from infra.security.keys import APP_SCOPES, PARTNER_SCOPES, SCOPES, create_key
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN

T = TypeVar("T")
NAME_LENGTH_MAX = 64


@click.group()
def key() -> None:
    """Create, list and revoke API keys."""


@key.command()
@click.argument("name")
@click.option("--user", help="Bind the key to one user: it can touch no other.")
@click.option(
    "--scopes",
    help=f"What the key may do, comma-separated.  [default: {','.join(APP_SCOPES)}; "
    f"with --partner: {','.join(PARTNER_SCOPES)}]",
)
@click.option("--partner", help="Bind the key to one content partner: it reads its own view.")
@with_settings(database=True)
def create(
    settings: Settings, name: str, user: str | None, scopes: str | None, partner: str | None
) -> None:
    """Create an API key and print it, alone on the last line. Only its hash is stored.

    \b
    Examples:
      media-gateway key create tv-app
      media-gateway key create my-phone --user user-1 --scopes progress:write
      media-gateway key create acme-engineers --partner acme
    """
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise CommandError(f"a name has 1 to {NAME_LENGTH_MAX} printable characters")
    if user is not None and not (re.fullmatch(ID_PATTERN, user) and len(user) <= ID_LENGTH_MAX):
        raise CommandError(f"{user!r} is not a valid user id")
    if user is not None and partner is not None:
        raise CommandError("a key belongs to one user or to one partner, not to both")
    new = create_key()
    default = APP_SCOPES if partner is None else PARTNER_SCOPES
    given = default if scopes is None else read_scopes(scopes)
    stored = ApiKey(new.key_id, new.sha256, name, given, user, now_ms(), partner=partner)
    try:
        run(settings, lambda store: store.create(stored))
    except NoSuchOwner as error:
        raise CommandError(str(error)) from error
    click.echo(f"key {new.key_id} ({', '.join(stored.scopes)}); send it as a bearer token:")
    click.echo(new.text)


@key.command("list")
@with_settings(database=True)
def list_keys(settings: Settings) -> None:
    """List keys: id, name, scopes, user, state. The keys themselves are not known."""
    for item in run(settings, lambda store: store.list_all()):
        click.echo(line(item))


@key.command()
@click.argument("key_id")
@with_settings(database=True)
def revoke(settings: Settings, key_id: str) -> None:
    """Revoke the key with this id; the API stops taking it within seconds."""
    if not run(settings, lambda store: store.revoke(key_id, now_ms())):
        raise CommandError(f"no live key has the id {key_id!r}")
    click.echo(f"revoked {key_id}")


def read_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes named in ``text``."""
    scopes = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise CommandError(f"scopes are: {', '.join(SCOPES)}; not {', '.join(unknown) or 'none'}")
    return scopes


def line(item: ApiKey) -> str:
    """Return the line of one key."""
    if item.revoked_at_ms is None:
        state = "live"
    else:
        moment = datetime.datetime.fromtimestamp(item.revoked_at_ms / 1000, datetime.UTC)
        state = f"revoked {moment:%Y-%m-%dT%H:%M:%SZ}"
    owner = item.user_id or (f"partner {item.partner}" if item.partner else "any user")
    return f"{item.key_id}\t{item.name}\t{','.join(item.scopes)}\t{owner}\t{state}"


def run(settings: Settings, work: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(ApiKeyStore(pool))

    return asyncio.run(with_store())
