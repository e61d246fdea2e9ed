"""``media-gateway token``: tokens that are not to be believed any more."""

import asyncio

import click

from cli.actor import cli_actor
from cli.options import CommandError, with_settings
from infra.postgres.pool import create_pool
from infra.postgres.token_revocations import Kind, TokenRevocationStore
from infra.security.tokens import TEXT_LENGTH_MAX, is_user_id
from infra.settings import Settings
from infra.wall_clock import now_ms


@click.group()
def token() -> None:
    """Revoke tokens of users and devices."""


@token.command()
@click.option("--user", help="Revoke every token that this user has had until now.")
@click.option("--jti", help="Revoke the token with this id (its claim `jti`).")
@with_settings(database=True)
def revoke(settings: Settings, user: str | None, jti: str | None) -> None:
    """Revoke tokens, of any issuer; the API stops taking them within five seconds.

    API keys are not tokens: see `key revoke`.

    \b
    Examples:
      media-gateway token revoke --user user-1
      media-gateway token revoke --jti 5f3b2a1908e7d6c5b4a3928170f6e5d4
    """
    if (user is None) is (jti is None):
        raise CommandError("give either --user or --jti")
    if user is not None and not is_user_id(user):
        raise CommandError(f"{user!r} is not a valid user id")
    if jti is not None and not (1 <= len(jti) <= TEXT_LENGTH_MAX and jti.isprintable()):
        raise CommandError(f"a token id has 1 to {TEXT_LENGTH_MAX} printable characters")
    kind: Kind = "token" if user is None else "user"
    asyncio.run(_revoke(settings, kind, user or jti or ""))
    click.echo(f"revoked {'the token' if user is None else 'all tokens of'} {user or jti}")


async def _revoke(settings: Settings, kind: Kind, value: str) -> None:
    async with create_pool(settings) as pool:
        await TokenRevocationStore(pool).revoke(cli_actor(), kind, value, now_ms() // 1000)
