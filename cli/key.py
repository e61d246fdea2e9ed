"""``media-gateway key``: API keys of apps and partners."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from cli.actor import cli_actor
from cli.columns import aligned
from cli.durations import Duration, moment
from cli.options import CommandError, with_settings
from cli.scopes import read_scopes
from domain.tiers import TIER_DEFAULT, TIERS
from infra.postgres.api_keys import ApiKey, ApiKeyStore, NoSuchPartner
from infra.postgres.pool import create_pool
from infra.security.keys import (
    PARTNER_SCOPES,
    SCOPES,
    USER_SCOPES,
    NewKey,
    ScopesDoNotFit,
    create_key,
    granted_scopes,
)
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.admin_api import EXPIRES_S_MAX, KEY_NAME_MAX
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN

T = TypeVar("T")
HEAD = ("id", "name", "scopes", "for", "tier", "state", "last used")


@click.group()
def key() -> None:
    """Create, list, rotate and revoke API keys."""


@key.command()
@click.argument("name")
@click.option("--user", help="Bind the key to one user: it can touch no other.")
@click.option("--partner", help="Bind the key to one partner.")
@click.option(
    "--scopes",
    help=f"What the key may do, comma-separated.  [default: {','.join(USER_SCOPES)}; "
    f"of a partner's key: {','.join(PARTNER_SCOPES)}]",
)
@click.option(
    "--tier", type=click.Choice(TIERS), default=TIER_DEFAULT, show_default=True,
    help="How often it may call.",
)  # fmt: skip
@click.option(
    "--expires-in", type=Duration(minimum_s=1, maximum_s=EXPIRES_S_MAX),
    help="When it ends, e.g. 90d.  [default: never]",
)  # fmt: skip
@with_settings(database=True)
def create(
    settings: Settings,
    name: str,
    user: str | None,
    partner: str | None,
    scopes: str | None,
    **limits: str | int | None,
) -> None:
    """Create an API key and print it, alone on the last line. Only its hash is stored.

    \b
    Examples:
      media-gateway key create tv-app
      media-gateway key create backend --scopes tokens:issue,progress:write --expires-in 90d
      media-gateway key create my-phone --user user-1 --scopes progress:write
      media-gateway key create acme-reports --partner acme --tier pro
    """
    check_names(name, user)
    at_ms, expires_in_s = now_ms(), limits["expires_in"]
    new = create_key()
    stored = ApiKey(
        key_id=new.key_id,
        key_sha256=new.sha256,
        name=name,
        scopes=scopes_of(scopes, user, partner),
        user_id=user,
        created_at_ms=at_ms,
        partner=partner,
        tier=str(limits["tier"]),
        expires_at_ms=None if expires_in_s is None else at_ms + int(expires_in_s) * 1000,
    )
    try:
        run(settings, lambda store: store.create(cli_actor(), stored))
    except NoSuchPartner as error:
        raise CommandError(str(error)) from error
    say(new, stored)


@key.command("list")
@with_settings(database=True)
def list_keys(settings: Settings) -> None:
    """List keys, oldest first. The keys themselves are not known."""
    at_ms = now_ms()
    rows = [row(item, at_ms) for item in run(settings, lambda store: store.list_all())]
    for text in aligned(HEAD, rows):
        click.echo(text)


@key.command()
@click.argument("key_id")
@with_settings(database=True)
def show(settings: Settings, key_id: str) -> None:
    """Show everything that is known about the key with this id."""
    found = run(settings, lambda store: store.find(key_id))
    if found is None:
        raise CommandError(f"no key has the id {key_id!r}")
    facts = dict(zip(HEAD, row(found, now_ms()), strict=True)) | {
        "created": moment(found.created_at_ms),
        "ends": moment(found.expires_at_ms, "never"),
        "revoked": moment(found.revoked_at_ms, "no"),
    }
    for name, value in facts.items():
        click.echo(f"{name:<10} {value}")


@key.command()
@click.argument("key_id")
@click.option(
    "--overlap", type=Duration(), default="24h", show_default=True,
    help="How long the old key goes on working.",
)  # fmt: skip
@with_settings(database=True)
def rotate(settings: Settings, key_id: str, overlap: int) -> None:
    """Replace the key with this id: print a new one with the same rights, let the old one end.

    A key that was to end after some time is followed by one that ends after as long a time.

    \b
    Example:
      media-gateway key rotate 0a1b2c3d --overlap 24h
    """
    at_ms = now_ms()
    old = run(settings, lambda store: store.find(key_id))
    if old is None or not old.is_live(at_ms):
        raise CommandError(f"no live key has the id {key_id!r}")
    new = create_key()
    stored = successor(old, new, at_ms)
    ends_at_ms = at_ms + overlap * 1000
    if not run(settings, lambda store: store.rotate(cli_actor(), key_id, stored, ends_at_ms)):
        raise CommandError(f"no live key has the id {key_id!r}")
    ends_at_ms = min(ends_at_ms, old.expires_at_ms or ends_at_ms)
    click.echo(f"key {key_id} ends {moment(ends_at_ms)}")
    say(new, stored)


@key.command()
@click.argument("key_id")
@with_settings(database=True)
def revoke(settings: Settings, key_id: str) -> None:
    """Revoke the key with this id; the API stops taking it within seconds.

    Tokens of devices that were issued with it end as well.
    """
    if not run(settings, lambda store: store.revoke(cli_actor(), key_id, now_ms())):
        raise CommandError(f"no live key has the id {key_id!r}")
    click.echo(f"revoked {key_id}")


def check_names(name: str, user: str | None) -> None:
    """Refuse a name or a user id that cannot be."""
    if not 1 <= len(name) <= KEY_NAME_MAX or not name.isprintable():
        raise CommandError(f"a name has 1 to {KEY_NAME_MAX} printable characters")
    if user is not None and not (re.fullmatch(ID_PATTERN, user) and len(user) <= ID_LENGTH_MAX):
        raise CommandError(f"{user!r} is not a valid user id")


def scopes_of(text: str | None, user: str | None, partner: str | None) -> tuple[str, ...]:
    """Return the scopes of a new key for its owner."""
    asked = None if text is None else read_scopes(text, SCOPES)
    try:
        return granted_scopes(asked, user=user, partner=partner)
    except ScopesDoNotFit as error:
        raise CommandError(f"{error} (--scopes, --user, --partner)") from error


def successor(old: ApiKey, new: NewKey, at_ms: int) -> ApiKey:
    """Return the key that replaces ``old``: with its rights, and its lifetime from now on."""
    lifetime_ms = None if old.expires_at_ms is None else old.expires_at_ms - old.created_at_ms
    return old._replace(
        key_id=new.key_id,
        key_sha256=new.sha256,
        created_at_ms=at_ms,
        expires_at_ms=None if lifetime_ms is None else at_ms + lifetime_ms,
        last_used_at_ms=None,
    )


def say(new: NewKey, stored: ApiKey) -> None:
    """Print a new key, alone on the last line."""
    click.echo(f"key {new.key_id} ({', '.join(stored.scopes)}); send it as a bearer token:")
    click.echo(new.text)


def row(item: ApiKey, at_ms: int) -> tuple[str, ...]:
    """Return the row of one key."""
    owner = f"user {item.user_id}" if item.user_id else "any user"
    return (
        item.key_id,
        item.name,
        ",".join(item.scopes),
        f"partner {item.partner}" if item.partner else owner,
        item.tier,
        state(item, at_ms),
        moment(item.last_used_at_ms, "never"),
    )


def state(item: ApiKey, at_ms: int) -> str:
    """Return what a key is worth now."""
    if item.revoked_at_ms is not None:
        return f"revoked {moment(item.revoked_at_ms)}"
    if item.expires_at_ms is None:
        return "live"
    word = "live until" if item.is_live(at_ms) else "ended"
    return f"{word} {moment(item.expires_at_ms)}"


def run(settings: Settings, work: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(ApiKeyStore(pool))

    return asyncio.run(with_store())
