"""What somebody types to become an operator: a password, and one good code of their app."""

import io
import os
from pathlib import Path

import click
import segno

from cli.options import CommandError
from domain.identity import passwords
from domain.identity.totp import base32, otpauth_uri, steps_of
from infra.postgres.operators import NewFactor
from infra.security.operator_secrets import (
    create_recovery_codes,
    create_salt,
    create_totp_secret,
)
from infra.security.passwords import PasswordHashing
from infra.wall_clock import now_ms

TRIES = 3
PNG_SCALE = 6


def ask_new_password(name: str) -> str:
    """Return a new password, typed twice without echo.

    Raises:
        CommandError: it may not be one; the message says why.
    """
    password: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    wrong = passwords.problems(password, name)
    if wrong:
        raise CommandError("; ".join(wrong))
    return password


async def enrol(
    hashing: PasswordHashing, name: str, png: Path | None, *, show_uri: bool
) -> tuple[NewFactor, list[str]]:
    """Show a new secret, wait for one good code of it, and return it with new recovery codes.

    Raises:
        CommandError: no good code came, or the picture cannot be written.
    """
    secret = create_totp_secret()
    show(secret, name, png, show_uri=show_uri)
    step = ask_first_code(secret)
    codes, salt = create_recovery_codes(), create_salt()
    return NewFactor(secret, step, salt, await hashing.hash_recovery(codes, salt)), codes


def show(secret: bytes, name: str, png: Path | None, *, show_uri: bool) -> None:
    """Show the secret: as QR code in the terminal or in a file, and as text only on request."""
    uri = otpauth_uri(secret, name)
    code = segno.make(uri, error="m", micro=False)
    if png is None:
        text = io.StringIO()
        code.terminal(out=text, compact=True)
        click.echo(text.getvalue())
        click.echo("Scan this with an authenticator app.")
    else:
        write_png(code, png)
        click.echo(f"Scan {png} with an authenticator app, then delete it.")
    if show_uri:
        click.echo(f"{uri}\nor type the secret: {base32(secret)}")


def write_png(code: segno.QRCode, path: Path) -> None:
    """Write a picture that only its owner can read; no file is replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        code.save(file, kind="png", scale=PNG_SCALE)


def ask_first_code(secret: bytes) -> int:
    """Return the step of the first good code."""
    for _ in range(TRIES):
        code: str = click.prompt("Code that the app shows now", hide_input=True)
        steps = steps_of(secret, code, now_ms())
        if steps:
            return steps[-1]
        click.echo("That is not the code of this moment; is the clock of the phone right?")
    raise CommandError("no good code: nothing was changed")


def show_recovery_codes(codes: list[str]) -> None:
    """Print recovery codes, one a line, last."""
    click.echo("Recovery codes, each good for one login without the app, shown once:")
    for code in codes:
        click.echo(f"{code[:4]}-{code[4:]}")
