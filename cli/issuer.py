"""``media-gateway issuer``: identity providers whose tokens the API believes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import IO, TypeVar

import click

from cli.actor import cli_actor
from cli.columns import aligned
from cli.durations import Duration
from cli.options import CommandError, with_settings
from cli.scopes import read_scopes
from domain.tiers import TIER_DEFAULT, TIERS
from infra.issuers.fetching import FetchError, fetch, read_url
from infra.postgres.pool import create_pool
from infra.postgres.token_issuers import IssuerExists, TokenIssuer, TokenIssuerStore
from infra.security.jwks import ALGORITHMS, JWKS_BYTES_MAX, JwksError, parse_jwks
from infra.security.keys import USER_SCOPES
from infra.security.tokens import LIFETIME_CAP_S, TOKEN_TYPES
from infra.settings import Settings
from infra.wall_clock import now_ms

T = TypeVar("T")
NAME_LENGTH_MAX = 255
HEAD = ("issuer", "audience", "algorithms", "scopes", "tier", "user id", "state", "keys")


@click.group()
def issuer() -> None:
    """Add, list and remove identity providers whose tokens are believed."""


@issuer.command()
@click.argument("name", metavar="ISSUER")
@click.option("--audience", required=True, help="What `aud` of its tokens has to be or contain.")
@click.option("--jwks-url", help="Where it publishes its keys (https).")
@click.option("--jwks-file", type=click.File("rb"), help="Its keys as a JWKS file instead.")
@click.option(
    "--algorithms", default=",".join(ALGORITHMS), show_default=True,
    help="What its tokens may be signed with, comma-separated.",
)  # fmt: skip
@click.option(
    "--scopes", default=",".join(USER_SCOPES), show_default=True,
    help="The most that its tokens may do, comma-separated.",
)  # fmt: skip
@click.option(
    "--tier", type=click.Choice(TIERS), default=TIER_DEFAULT, show_default=True,
    help="How often its users may call.",
)  # fmt: skip
@click.option(
    "--user-claim", default="sub", show_default=True, help="The claim that is the user id."
)
@click.option(
    "--type", "token_type", type=click.Choice(TOKEN_TYPES), default=TOKEN_TYPES[0],
    show_default=True, help="What `typ` of its tokens has to be.",
)  # fmt: skip
@click.option(
    "--lifetime", type=Duration(), default="1h", show_default=True,
    help="The longest lifetime of its tokens, at most 24h.",
)  # fmt: skip
@with_settings(database=True)
def add(
    settings: Settings,
    name: str,
    jwks_url: str | None,
    jwks_file: IO[bytes] | None,
    **options: str | int,
) -> None:
    """Believe tokens of ISSUER (their `iss`), from a few seconds on. Its keys are read first.

    \b
    Examples:
      media-gateway issuer add https://id.example.com/ --audience media-gateway \\
          --jwks-url https://id.example.com/.well-known/jwks.json
      media-gateway issuer add my-login --audience tv --jwks-file keys.json --type JWT
    """
    check_name(name, settings)
    check_lifetime(int(options["lifetime"]))
    check_words(str(options["audience"]), str(options["user_claim"]))
    if (jwks_url is None) is (jwks_file is None):
        raise CommandError("give either --jwks-url or --jwks-file")
    document = read_keys(settings, jwks_url, jwks_file)
    stored = TokenIssuer(
        issuer=name,
        audience=str(options["audience"]),
        algorithms=read_algorithms(str(options["algorithms"])),
        jwks=document if jwks_url is None else None,
        jwks_url=jwks_url,
        scopes=read_scopes(str(options["scopes"]), USER_SCOPES),
        tier=str(options["tier"]),
        user_claim=str(options["user_claim"]),
        token_type=str(options["token_type"]),
        lifetime_max_s=int(options["lifetime"]),
        enabled=True,
        created_at_ms=now_ms(),
    )
    try:
        run(settings, lambda store: store.add(cli_actor(), stored))
    except IssuerExists as error:
        raise CommandError(str(error)) from error
    click.echo(f"added {name}: {len(parse_jwks(document.encode()))} key(s)")


@issuer.command("list")
@with_settings(database=True)
def list_issuers(settings: Settings) -> None:
    """List issuers by name."""
    rows = [row(item) for item in run(settings, lambda store: store.list_all())]
    for text in aligned(HEAD, rows):
        click.echo(text)


@issuer.command()
@click.argument("name", metavar="ISSUER")
@with_settings(database=True)
def show(settings: Settings, name: str) -> None:
    """Show one issuer and the ids of its keys; those at a URL are read now."""
    known = {item.issuer: item for item in run(settings, lambda store: store.list_all())}
    if name not in known:
        raise CommandError(f"no issuer {name!r}")
    found = known[name]
    facts = dict(zip(HEAD, row(found), strict=True))
    facts |= {"type": found.token_type, "lifetime": f"{found.lifetime_max_s} s"}
    for title, value in facts.items():
        click.echo(f"{title:<10} {value}")
    document = found.jwks or read_keys(settings, found.jwks_url, None)
    for key in parse_jwks(document.encode()).values():
        click.echo(f"{'key':<10} {key.kid} ({key.algorithm})")


@issuer.command()
@click.argument("name", metavar="ISSUER")
@with_settings(database=True)
def disable(settings: Settings, name: str) -> None:
    """Stop believing tokens of ISSUER, within seconds; `issuer enable` takes it back."""
    turn(settings, name, enabled=False)


@issuer.command()
@click.argument("name", metavar="ISSUER")
@with_settings(database=True)
def enable(settings: Settings, name: str) -> None:
    """Believe tokens of a disabled ISSUER again."""
    turn(settings, name, enabled=True)


@issuer.command()
@click.argument("name", metavar="ISSUER")
@with_settings(database=True)
def remove(settings: Settings, name: str) -> None:
    """Forget ISSUER; its tokens are not believed within seconds."""
    change(settings, name, lambda store: store.remove(cli_actor(), name), "removed")


def turn(settings: Settings, name: str, *, enabled: bool) -> None:
    """Turn one issuer on or off."""
    change(
        settings,
        name,
        lambda store: store.set_enabled(cli_actor(), name, enabled=enabled),
        "enabled" if enabled else "disabled",
    )


def change(
    settings: Settings, name: str, work: Callable[[TokenIssuerStore], Awaitable[bool]], word: str
) -> None:
    """Change one issuer, which there has to be."""
    if not run(settings, work):
        raise CommandError(f"no issuer {name!r}")
    click.echo(f"{word} {name}")


def check_name(name: str, settings: Settings) -> None:
    """Refuse a name that cannot be an ``iss``, and our own."""
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable() or " " in name:
        raise CommandError(f"an issuer has 1 to {NAME_LENGTH_MAX} characters, none of them blank")
    if name == settings.token_issuer:
        raise CommandError(f"{name} issues the gateway's own tokens (MEDIA_GATEWAY_TOKEN_ISSUER)")


def check_words(audience: str, user_claim: str) -> None:
    """Refuse an audience or a name of a claim that cannot be."""
    for option, word in (("--audience", audience), ("--user-claim", user_claim)):
        if not 1 <= len(word) <= NAME_LENGTH_MAX or not word.isprintable():
            raise CommandError(f"{option}: 1 to {NAME_LENGTH_MAX} printable characters")


def check_lifetime(seconds: int) -> None:
    """Refuse a lifetime that revocations are not kept for."""
    if not 1 <= seconds <= LIFETIME_CAP_S:
        raise CommandError("--lifetime: from 1s to 24h")


def read_algorithms(text: str) -> tuple[str, ...]:
    """Return the algorithms named in ``text``."""
    named = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if not named or not set(named) <= set(ALGORITHMS):
        raise CommandError(f"algorithms are: {', '.join(ALGORITHMS)}")
    return named


def read_keys(settings: Settings, url: str | None, file: IO[bytes] | None) -> str:
    """Return a key set that can be used, as text.

    Raises:
        CommandError: it cannot be had, or cannot be used.
    """
    try:
        if url is None:
            document = b"" if file is None else file.read(JWKS_BYTES_MAX + 1)
        else:
            read_url(url)
            document = asyncio.run(fetch(url, private=settings.issuers_private == 1))
        parse_jwks(document)
    except (FetchError, JwksError) as error:
        raise CommandError(str(error)) from error
    return document.decode()


def row(item: TokenIssuer) -> tuple[str, ...]:
    """Return the row of one issuer."""
    return (
        item.issuer,
        item.audience,
        ",".join(item.algorithms),
        ",".join(item.scopes),
        item.tier,
        item.user_claim,
        "enabled" if item.enabled else "disabled",
        item.jwks_url or "stored",
    )


def run(settings: Settings, work: Callable[[TokenIssuerStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(TokenIssuerStore(pool))

    return asyncio.run(with_store())
