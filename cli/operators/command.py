"""``media-gateway operator``: add, list and change operators, on the database."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from cli.actor import cli_actor
from cli.operators.enrolment import ask_new_password, enrol, show_recovery_codes
from cli.operators.sessions import login, logout, recovery_codes, step_up
from cli.options import CommandError, with_settings
from domain.identity.lockout import FOR_EVER_MS
from infra.postgres.operators import NoSuchOperator, Operator, OperatorExists, OperatorStore
from infra.postgres.pool import create_pool
from infra.security.operator_secrets import create_operator_id
from infra.security.passwords import PasswordHashing
from infra.security.sealing import Sealer, sealer_of
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.times import to_rfc3339

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9][a-z0-9._\-]{1,39}", re.ASCII)
PNG = click.option(
    "--qr-png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the QR code to this new file instead of the terminal.",
)
URI = click.option("--show-uri", is_flag=True, help="Print the otpauth URI and the secret as well.")


@click.group()
def operator() -> None:
    """Add and change the people who run the gateway; log in as one of them."""


@operator.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "admin"]),
    default="viewer",
    show_default=True,
    help="A viewer reads; an admin also changes things.",
)
@PNG
@URI
@with_settings(database=True)
def create(
    settings: Settings, name: str, role: str, qr_png: Path | None, *, show_uri: bool
) -> None:
    """Add an operator: ask for a password and for one good code of an authenticator app.

    The operator is there once the code was good. Prints ten recovery codes at the end.

    \b
    Examples:
      media-gateway operator create ada --role admin
      media-gateway operator create vic --qr-png vic.png
    """
    if not NAME.fullmatch(name):
        raise CommandError(f"{name!r}: a name has 2 to 40 of a-z, 0-9, ., _ and -")
    sealer = key_of(settings)
    if name in {each.name for each in run(settings, sealer, OperatorStore.list_all)}:
        raise CommandError(f"operator {name!r} exists already")
    password = ask_new_password(name)
    added = Operator(create_operator_id(), name, role, None, 0, 0, now_ms(), 0)

    async def add(store: OperatorStore) -> list[str]:
        hashing = PasswordHashing()
        factor, codes = await enrol(hashing, name, qr_png, show_uri=show_uri)
        await store.create(cli_actor(), added, await hashing.hash(password), factor)
        return codes

    codes = run(settings, sealer, add)
    click.echo(f"operator {name} ({role}) can log in: media-gateway operator login {name}")
    show_recovery_codes(codes)


@operator.command("list")
@with_settings(database=True)
def list_operators(settings: Settings) -> None:
    """List operators: name, role, state, recovery codes left, since when."""
    for each in run(settings, sealer_of(settings), OperatorStore.list_all):
        click.echo(line(each, now_ms()))


@operator.command("reset-totp")
@click.argument("name")
@PNG
@URI
@with_settings(database=True)
def reset_totp(settings: Settings, name: str, qr_png: Path | None, *, show_uri: bool) -> None:
    """Give an operator another app secret and recovery codes, e.g. after a lost phone.

    For who has lost the recovery codes as well: nothing of the operator's is asked for, so be sure
    who asks you. Nothing is changed until the new secret's first code was good; then all their
    sessions end, the old app and codes are void, and a lockout is over. The password stays.

    \b
    Examples:
      media-gateway operator reset-totp ada
      media-gateway operator reset-totp ada --qr-png ada.png
    """

    async def reset(store: OperatorStore) -> list[str]:
        if await store.find_credentials(name) is None:
            raise NoSuchOperator(f"no operator has the name {name!r}")
        factor, codes = await enrol(PasswordHashing(), name, qr_png, show_uri=show_uri)
        await store.reset_factor(cli_actor(), name, factor)
        return codes

    codes = run(settings, key_of(settings), reset)
    click.echo(f"operator {name} has another app secret; all sessions ended")
    show_recovery_codes(codes)


@operator.command("set-password")
@click.argument("name")
@with_settings(database=True)
def set_password(settings: Settings, name: str) -> None:
    """Give an operator another password, end all their sessions, and a lockout.

    \b
    Example:
      media-gateway operator set-password ada
    """
    password = ask_new_password(name)

    async def change(store: OperatorStore) -> None:
        await store.set_password(cli_actor(), name, await PasswordHashing().hash(password))

    run(settings, sealer_of(settings), change)
    click.echo(f"operator {name} has another password; all sessions ended")


@operator.command()
@click.argument("name")
@with_settings(database=True)
def disable(settings: Settings, name: str) -> None:
    """Disable an operator: no login, and all their sessions end at once."""
    run(settings, sealer_of(settings), lambda store: store.disable(cli_actor(), name, now_ms()))
    click.echo(f"disabled {name}")


@operator.command()
@click.argument("name")
@with_settings(database=True)
def enable(settings: Settings, name: str) -> None:
    """Let a disabled operator log in again."""
    run(settings, sealer_of(settings), lambda store: store.enable(cli_actor(), name))
    click.echo(f"enabled {name}")


@operator.command()
@click.argument("name")
@with_settings(database=True)
def unlock(settings: Settings, name: str) -> None:
    """End an operator's lockout and forget the wrong attempts."""
    run(settings, sealer_of(settings), lambda store: store.unlock(cli_actor(), name))
    click.echo(f"unlocked {name}")


for about_a_session in (login, step_up, logout, recovery_codes):
    operator.add_command(about_a_session)


def key_of(settings: Settings) -> Sealer:
    """Return the sealer, which must have a key: secrets of apps are never stored otherwise."""
    sealer = sealer_of(settings)
    if not sealer.has_key:
        raise CommandError(
            "MEDIA_GATEWAY_SECRETS_KEY is not set, and an operator's app secret is only stored "
            "encrypted. Set it, for the API as well, to 32 random bytes as base64: "
            "`openssl rand -base64 32`"
        )
    return sealer


def line(each: Operator, at_ms: int) -> str:
    """Return the line of one operator."""
    since = to_rfc3339(each.created_at_ms)
    codes = f"{each.recovery_codes_left} recovery code(s)"
    return f"{each.name}\t{each.role}\t{state_of(each, at_ms)}\t{codes}\t{since}"


def state_of(each: Operator, at_ms: int) -> str:
    """Return whether an operator can log in, and from where."""
    if each.disabled_at_ms is not None:
        return "disabled"
    kinds = {
        "familiar addresses": each.familiar_locked_until_ms,
        "strange addresses": each.locked_until_ms,
        "codes in sessions": each.step_up_locked_until_ms,
    }
    locks = [
        f"{kind} locked until {_moment(until_ms)}"
        for kind, until_ms in kinds.items()
        if at_ms < until_ms
    ]
    return ", ".join(locks) or "enabled"


def _moment(until_ms: int) -> str:
    return "unlocked" if until_ms == FOR_EVER_MS else to_rfc3339(until_ms)


def run(settings: Settings, sealer: Sealer, work: Callable[[OperatorStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store.

    Raises:
        CommandError: what a person can act on, as one sentence.
    """

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(OperatorStore(pool, sealer))

    try:
        return asyncio.run(with_store())
    except (OperatorExists, NoSuchOperator) as error:
        raise CommandError(str(error)) from error
