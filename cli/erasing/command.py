"""``media-gateway erase``: remove a user from every store, prove it, search for what is left."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.actor import cli_actor
from cli.erasing.receipt_file import new_file
from cli.options import EXIT_USAGE, CommandError, require, with_settings
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.erasure import SignedReceipt
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN
from schemas.times import to_rfc3339

if TYPE_CHECKING:
    from infra.postgres.erasures import Noted
    from infra.postgres.receipt_keys import ReceiptKeyStore

T = TypeVar("T")
WIDTH = 180  # of tables where the output is no terminal
USER = "User id: letters, digits and . _ : @ -"


@click.group(invoke_without_command=True)
@click.option("--user", "user_id", help=USER)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(1, 86_400),
    default=120.0,
    show_default=True,
    help="Seconds that all stores get to follow.",
)
@click.option(
    "--receipt",
    "receipt_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the receipt to this new file too.",
)
@click.pass_context
@with_settings()
def erase(
    settings: Settings,
    context: click.Context,
    user_id: str | None,
    wait_s: float,
    receipt_file: Path | None,
) -> None:
    """Remove a user from every store and print a receipt.

    Writes the mark of the erasure among the user's own events and waits until the ledger, trending,
    profiles, models and tables have followed, by looking at them. Events that occurred before the
    erasure are refused from then on, however late they come. The receipt names the user by
    pseudonym, lists each store, and says what retention still holds and until when. It is signed
    if MEDIA_GATEWAY_SECRETS_KEY is set. Whoever comes back after the erasure is a new user.

    \b
    Examples:
      media-gateway erase --user viewer-42 --receipt viewer-42.json
      media-gateway erase search --user viewer-42
      media-gateway erase verify-receipt viewer-42.json
    """  # click wants the backspace itself
    if context.invoked_subcommand is not None:
        return
    if user_id is None:
        raise click.UsageError("--user is missing", context)
    check_user(user_id)
    require(settings, kafka=True, database=True)
    with new_file(receipt_file) as write:
        signed, text = asyncio.run(_erase(settings, user_id, wait_s))
        try:
            click.echo(text, nl=False)
        finally:  # also when nobody reads what is printed
            write(text)
    left = [each.store for each in signed.receipt.stores if each.left]
    if left:
        raise CommandError(f"not complete, see `left` of {', '.join(left)}: run the command again")


@erase.command()
@with_settings(kafka=True, database=True)
@click.option("--user", "user_id", required=True, help=USER)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(settings: Settings, user_id: str, *, as_json: bool) -> None:
    """Search every table, topic and file for a user; say why it is there and until when.

    All columns of all tables; all records of all topics, changelogs and dead letters included; and
    of the embedded stack the raw files of the broker and the logs. Reads everything there is: on a
    large system this takes long.

    Exit status: 0 nothing is found that an erasure does not explain, 1 state of before the erasure
    is still there.

    \b
    Examples:
      media-gateway erase search --user viewer-42
      media-gateway erase search --user viewer-42 --json
    """  # click wants the backspace itself
    check_user(user_id)
    found = asyncio.run(_search(settings, user_id))
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found], indent=2))
    elif not found:
        click.echo("nothing found")
    else:
        _print(found)
    if not all(each.expected for each in found):
        raise CommandError("state of before the erasure is still there")


@erase.command("verify-receipt")
@with_settings()
@click.argument("file", type=click.File("rb"))
@click.option("--public-key", help="Base64 of the key that signed; without it the database knows.")
def verify_receipt(settings: Settings, file: Any, public_key: str | None) -> None:
    """Check that a receipt is what was signed when the user was erased.

    Prints the public key, by which others can check it without the database.

    \b
    Examples:
      media-gateway erase verify-receipt viewer-42.json
      media-gateway erase verify-receipt viewer-42.json --public-key w0p...=
    """  # click wants the backspace itself
    from infra.security.receipts import ReceiptError, key_id_of, verify

    try:
        document = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise CommandError(f"not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("receipt"), dict):
        raise CommandError("not a receipt of an erasure")
    try:
        key_id = key_id_of(document)
        public = _given_key(public_key) if public_key else _known_key(settings, key_id)
        verify(document, public)
    except ReceiptError as error:
        raise CommandError(str(error)) from error
    receipt = document["receipt"]
    click.echo(f"valid: {receipt.get('receipt_id')} of {receipt.get('issued_at')}")
    click.echo(f"signed by key {key_id}, public key {base64.b64encode(public).decode()}")


def check_user(user_id: str) -> None:
    """Refuse what cannot be a user id.

    Raises:
        CommandError: it is none; exit status 2.
    """
    if not re.fullmatch(ID_PATTERN, user_id) or len(user_id) > ID_LENGTH_MAX:
        raise CommandError(f"{user_id!r} is not a valid user id", EXIT_USAGE)


class _World(NamedTuple):
    """What is open while a command runs."""

    pool: Any
    snapshots: Any
    admin: Any
    say: Callable[[str], None]


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[_World]:
    from infra.kafka.admin import open_admin
    from infra.kafka.cluster import cluster_of
    from infra.postgres.pool import create_pool
    from infra.replay.snapshot import open_snapshots

    cluster = cluster_of(settings)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("connecting")
        async with (
            create_pool(settings, statement_timeout_ms=0) as pool,
            open_snapshots(cluster) as snapshots,
            open_admin(cluster) as admin,
        ):
            yield _World(
                pool, snapshots, admin, lambda text: progress.update(task, description=text)
            )


async def _erase(settings: Settings, user_id: str, wait_s: float) -> tuple[SignedReceipt, str]:
    from cli.erasing.receipt import formatted, receipt_of, signing_key_of
    from cli.erasing.run import Erasing
    from infra.postgres.erasures import ErasureStore, Receipt
    from infra.security.receipts import digest_of

    async with _opened(settings) as world:
        key = await signing_key_of(settings, world.pool, now_ms())  # before anything is erased
        erasing = Erasing(settings, *world)
        erased = await erasing.run(user_id, now_ms(), wait_s)
        _say_earlier(erased.noted)
        issued_at_ms = now_ms()
        signed = receipt_of(settings, erasing, erased, key, issued_at_ms)
        text, receipt_id = formatted(signed), signed.receipt.receipt_id
        receipt = Receipt(receipt_id, digest_of(text.encode()), issued_at_ms)
        await ErasureStore(world.pool).note_receipt(
            cli_actor(), erased.pseudonym, erased.erased_at_ms, receipt
        )
        return signed, text


def _say_earlier(noted: "Noted") -> None:
    """Say on standard error that this was not the first erasure of the user, and what it means."""
    if noted.earlier_ms is None:
        return
    told = "receipts tell of it already"
    if noted.open_since_ms < noted.erased_at_ms:
        told = f"this receipt counts what was removed since {to_rfc3339(noted.open_since_ms)}"
    click.echo(
        f"erased before, at {to_rfc3339(noted.earlier_ms)}: {told}; "
        f"what came since is erased too, and erased_at is {to_rfc3339(noted.erased_at_ms)} now",
        err=True,
    )


async def _search(settings: Settings, user_id: str) -> Any:
    from cli.erasing.search import search as search_everything

    async with _opened(settings) as world:
        return await search_everything(settings, world.pool, world.snapshots, user_id, world.say)


def _print(found: Any) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    table = Table("store", "kind", "where", "found", "why", "until")
    for each in found:
        table.add_row(
            each.store, each.kind, each.where, f"{each.number:,}", each.reason, each.until or ""
        )
    console.print(table, markup=False)


def _given_key(text: str) -> bytes:
    from infra.security.receipts import ReceiptError

    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ReceiptError("--public-key is not base64") from error


def _known_key(settings: Settings, key_id: str) -> bytes:
    require(settings, kafka=False, database=True)
    found = _run(settings, lambda store: store.public_key(key_id))
    if found is None:
        raise CommandError(f"the database knows no signing key {key_id!r}")
    return found


def _run(settings: Settings, work: Callable[["ReceiptKeyStore"], Awaitable[T]]) -> T:
    from infra.postgres.pool import create_pool
    from infra.postgres.receipt_keys import ReceiptKeyStore
    from infra.security.sealing import sealer_of

    async def with_store() -> T:
        async with create_pool(settings) as pool:
            return await work(ReceiptKeyStore(pool, sealer_of(settings)))

    return asyncio.run(with_store())
