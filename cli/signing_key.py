"""``media-gateway signing-key``: keys that sign the tokens for devices."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from cli.actor import cli_actor
from cli.columns import aligned
from cli.durations import Duration, moment
from cli.options import CommandError, with_settings
from infra.postgres.pool import create_pool
from infra.postgres.signing_keys import NewSigningKey, PublicSigningKey, SigningKeyStore
from infra.security.sealing import SealingError, sealer_of
from infra.security.signing import create_key_id, create_seed
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.tokens import TTL_S_MAX

T = TypeVar("T")
HEAD = ("id", "state", "created", "signs from", "ends")
# The last token of the old key, and the seconds until every process knows that the new one signs.
OVERLAP_S_MIN = TTL_S_MAX + 60


@click.group(name="signing-key")
def signing_key() -> None:
    """Rotate, list and retire the keys that sign tokens for devices."""


@signing_key.command()
@click.option(
    "--lead", type=Duration(), default="10m", show_default=True,
    help="How long the new key is published before it signs; nothing when there is no other.",
)  # fmt: skip
@click.option(
    "--overlap", type=Duration(), default="2h", show_default=True,
    help="How long the others are believed after that.",
)  # fmt: skip
@with_settings(database=True)
def rotate(settings: Settings, lead: int, overlap: int) -> None:
    """Make a new signing key, also the first one; the others end when their tokens have.

    It is stored encrypted, for which MEDIA_GATEWAY_SECRETS_KEY has to be set.

    \b
    Examples:
      media-gateway signing-key rotate
      media-gateway signing-key rotate --lead 0s
    """
    if overlap < OVERLAP_S_MIN:
        raise CommandError(f"--overlap: tokens live up to an hour, so at least {OVERLAP_S_MIN}s")
    at_ms = now_ms()

    async def work(store: SigningKeyStore) -> NewSigningKey:
        others = await store.list_published(at_ms)
        signs_from_ms = at_ms + (lead * 1000 if others else 0)
        new = NewSigningKey(create_key_id(), create_seed(), at_ms, signs_from_ms)
        await store.rotate(cli_actor(), new, signs_from_ms + overlap * 1000)
        return new

    try:
        new = run(settings, work)
    except SealingError as error:
        raise CommandError(str(error)) from error
    click.echo(f"key {new.kid} signs from {moment(new.signs_from_ms)}")


@signing_key.command("list")
@with_settings(database=True)
def list_keys(settings: Settings) -> None:
    """List signing keys, oldest first."""
    keys = run(settings, lambda store: store.list_all())
    for text in aligned(HEAD, rows(keys, now_ms())):
        click.echo(text)


@signing_key.command()
@click.argument("kid", metavar="ID")
@with_settings(database=True)
def retire(settings: Settings, kid: str) -> None:
    """End a signing key now: what it signed is not believed within seconds.

    For a key that others may have. Devices ask their backend for a new token.

    \b
    Example:
      media-gateway signing-key rotate --lead 0s
      media-gateway signing-key retire 0f1e2d3c4b5a6978
    """
    if not run(settings, lambda store: store.retire(cli_actor(), kid, now_ms())):
        raise CommandError(f"no live signing key has the id {kid!r}")
    click.echo(f"retired {kid}")


def rows(keys: list[PublicSigningKey], at_ms: int) -> list[tuple[str, ...]]:
    """Return the rows of all keys; of those that may sign, the one that began last does."""
    live = [key for key in keys if key.ends_at_ms is None or key.ends_at_ms > at_ms]
    ready = [key for key in live if key.signs_from_ms <= at_ms]
    signs = max(ready, key=lambda key: key.signs_from_ms, default=None)

    def state(key: PublicSigningKey) -> str:
        if key not in live:
            return "ended"
        if key == signs:
            return "signs"
        return "verifies" if key in ready else "announced"

    return [
        (
            key.kid,
            state(key),
            moment(key.created_at_ms),
            moment(key.signs_from_ms),
            moment(key.ends_at_ms),
        )
        for key in keys
    ]


def run(settings: Settings, work: Callable[[SigningKeyStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(SigningKeyStore(pool, sealer_of(settings)))

    return asyncio.run(with_store())
