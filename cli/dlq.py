"""``media-gateway dlq``: records that could not be processed."""

import asyncio
import os
import pwd
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from cli.dlq_report import as_data, letter_text, print_json, print_table, why_not_open
from cli.options import EXIT_USAGE, CommandError, with_settings
from infra.postgres.dead_letters import (
    OPEN,
    STATES,
    DeadLetter,
    DeadLetterStore,
    LetterFilter,
    WholeLetter,
)
from infra.postgres.pool import Pool, create_pool
from infra.redrive import Outcome, Refused, open_redriver
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.times import from_rfc3339
from topics.catalog import DEAD_LETTERS
from topics.spec import DEAD_LETTER_SUFFIX

T = TypeVar("T")
Command = Callable[..., Any]
TOPICS = [topic.name.removesuffix(DEAD_LETTER_SUFFIX) for topic in DEAD_LETTERS]
LIST_DEFAULT, LIST_MAX = 50, 1000
CHANGE_DEFAULT, CHANGE_MAX = 1000, 100_000
NOTE_LENGTH_MAX = 500
EVERYTHING = "all"
LETTER_ID = click.IntRange(1, 2**63 - 1)  # bigint
AGO = re.compile(r"([0-9]{1,4})([mhd])", re.ASCII)
MS_OF = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Moment(click.ParamType):
    """A time in RFC 3339, or how long ago: ``90m``, ``24h``, ``7d``; gives Unix milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read one value."""
        if isinstance(value, int):
            return value
        ago = AGO.fullmatch(value)
        if ago is not None:
            return now_ms() - int(ago[1]) * MS_OF[ago[2]]
        try:
            return from_rfc3339(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}; or how long ago, e.g. 24h", param, ctx)


def filters(command: Command) -> Command:
    """Give a command the options that say which dead letters."""
    for decorate in reversed(
        (
            click.option("--topic", type=click.Choice(TOPICS), help="Of this topic."),
            click.option("--partner", help="Of this partner."),
            click.option(
                "--since", "since_ms", type=Moment(), help="Failed then or later: RFC 3339, or 24h."
            ),
            click.option("--until", "until_ms", type=Moment(), help="Failed before."),
        )
    ):
        command = decorate(command)
    return command


by_reason = click.option("--reason", help="Failed for this reason: decode, rule or step.")
only_with_yes = click.option(
    "--yes", is_flag=True, help="Do it; without, a filter only shows what it takes."
)
at_most = click.option(
    "--limit",
    type=click.IntRange(1, CHANGE_MAX),
    default=CHANGE_DEFAULT,
    show_default=True,
    help="At most so many, the oldest records first.",
)


@click.group()
def dlq() -> None:
    """List, show, redrive and discard dead letters."""


@dlq.command("list")
@with_settings(database=True)
@filters
@by_reason
@click.option(
    "--state",
    type=click.Choice([*STATES, EVERYTHING]),
    default=OPEN,
    show_default=True,
    help="In this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, LIST_MAX),
    default=LIST_DEFAULT,
    show_default=True,
    help="At most so many.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_letters(settings: Settings, *, limit: int, as_json: bool, **wanted: Any) -> None:
    """List dead letters, the newest failure first.

    \b
    Examples:
      media-gateway dlq list
      media-gateway dlq list --partner acme --since 24h
      media-gateway dlq list --state all --reason step --json
    """
    chosen = LetterFilter(**wanted)
    if chosen.state == EVERYTHING:
        chosen = chosen._replace(state=None)
    letters = run(settings, lambda store: store.fetch_page(chosen, limit))
    if as_json:
        for letter in letters:
            print_json(letter._asdict())
        return
    print_table(letters, more=len(letters) == limit)


@dlq.command()
@with_settings(database=True)
@click.argument("letter_id", type=LETTER_ID)
@click.option("--raw", is_flag=True, help="Write the original value to standard output, alone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; bytes in base64.")
def show(settings: Settings, letter_id: int, *, raw: bool, as_json: bool) -> None:
    """Show one dead letter: why it failed, its headers, key and payload.

    A payload that is JSON is printed with indentation, any other in hexadecimal. With --raw the
    bytes of the value are written as they are; a record without a value writes none.

    \b
    Examples:
      media-gateway dlq show 17
      media-gateway dlq show 17 --raw > record.json
    """
    whole = run(settings, lambda store: store.find(letter_id))
    if whole is None:
        raise CommandError(f"no dead letter has the id {letter_id}")
    if raw:
        click.get_binary_stream("stdout").write(whole.value or b"")
    elif as_json:
        print_json(as_data(whole))
    else:
        click.echo(letter_text(whole))


@dlq.command()
@with_settings(kafka=True, database=True)
@click.argument("letter_ids", type=LETTER_ID, nargs=-1, metavar="[ID]...")
@filters
@by_reason
@at_most
@click.option("--dry-run", is_flag=True, help="Only show what would be redriven.")
@only_with_yes
@click.option("--mapper", help="Write webhooks anew with this mapper: the only bytes changed.")
def redrive(
    settings: Settings,
    letter_ids: tuple[int, ...],
    *,
    limit: int,
    dry_run: bool,
    yes: bool,
    mapper: str | None,
    **wanted: Any,
) -> None:
    """Send dead letters to their topics again, once what they failed on is mended.

    The original key and value go to the original partition, byte for byte. Only open letters are
    redriven. What has taken effect before has none again: consumers know the event ids. One that
    fails again is a new dead letter, with one attempt more.

    A webhook names the mapper that reads it. If the partner had the wrong one, mend the partner and
    redrive with --mapper: the record is written anew with that name and nothing else changed.

    \b
    Examples:
      media-gateway dlq redrive 17 18
      media-gateway dlq redrive --partner acme --reason rule
      media-gateway dlq redrive --partner acme --reason rule --yes
      media-gateway dlq redrive 17 --mapper film-catalogue
    """
    if mapper is not None:
        from cli.partner import check_mapper

        check_mapper(mapper)
    chosen = choose(settings, letter_ids, LetterFilter(**wanted), limit)
    if dry_run or not (letter_ids or yes):
        only_show(settings, chosen)
        return
    tally = Tally()
    try:
        asyncio.run(send_again(settings, chosen, mapper, tally))
    finally:  # also when Kafka goes away half-way
        click.echo(f"redriven: {tally.redriven}")
    for each in tally.refused:
        click.echo(f"{each.letter.letter_id} stays open: {each.why}", err=True)
    left = len(chosen) - tally.redriven - len(tally.refused)
    if left:
        click.echo(f"{left} changed meanwhile by somebody else", err=True)
    if tally.refused:
        raise CommandError(f"{len(tally.refused)} could not be redriven")


@dlq.command()
@with_settings(database=True)
@click.argument("letter_ids", type=LETTER_ID, nargs=-1, metavar="[ID]...")
@filters
@at_most
@only_with_yes
@click.option("--reason", "note", required=True, help="Why: kept with the letter.")
def discard(
    settings: Settings,
    letter_ids: tuple[int, ...],
    *,
    limit: int,
    yes: bool,
    note: str,
    **wanted: Any,
) -> None:
    """Say of dead letters that nobody will redrive them. They stay until their time is over.

    \b
    Examples:
      media-gateway dlq discard 17 --reason "a test of the partner"
      media-gateway dlq discard --partner acme --until 7d --reason "sent again since" --yes
    """
    if not 1 <= len(note.strip()) <= NOTE_LENGTH_MAX or not note.isprintable():
        raise CommandError(f"a reason has 1 to {NOTE_LENGTH_MAX} printable characters")
    chosen = choose(settings, letter_ids, LetterFilter(**wanted), limit)
    if not (letter_ids or yes):
        only_show(settings, chosen)
        return
    done = run(
        settings,
        lambda store: store.discard(chosen, at_ms=now_ms(), by=who(), note=note.strip()),
    )
    click.echo(f"discarded: {len(done)}")


def choose(
    settings: Settings, letter_ids: Sequence[int], wanted: LetterFilter, limit: int
) -> list[int]:
    """Return the ids of the open letters that are named or match.

    Raises:
        CommandError: neither ids nor a filter, or both; an id that is unknown or not open.
    """
    if bool(letter_ids) == any(value is not None for value in wanted):
        raise CommandError("name ids, or give at least one filter, not both", EXIT_USAGE)
    if not letter_ids:
        return run(settings, lambda store: store.find_open(wanted, limit))
    ids = list(dict.fromkeys(letter_ids))
    found = run(settings, lambda store: find_all(store, ids))
    problems = [f"no dead letter has the id {each}" for each in ids if each not in found]
    problems += [why_not_open(each.letter) for each in found.values() if each.letter.state != OPEN]
    if problems:
        raise CommandError("nothing was done: " + "; ".join(problems))
    return ids


async def find_all(store: DeadLetterStore, ids: Sequence[int]) -> dict[int, WholeLetter]:
    """Return the letters that exist, by id."""
    found = {letter_id: await store.find(letter_id) for letter_id in ids}
    return {letter_id: whole for letter_id, whole in found.items() if whole is not None}


def only_show(settings: Settings, chosen: Sequence[int]) -> None:
    """Show what a change would take, and how to make it."""

    async def first_of(store: DeadLetterStore) -> list[DeadLetter]:
        found = await find_all(store, chosen[:LIST_DEFAULT])
        return [whole.letter for whole in found.values()]

    print_table(run(settings, first_of), more=len(chosen) > LIST_DEFAULT)
    click.echo(f"{len(chosen)} would be changed; nothing was. With --yes it is done.")


@dataclass
class Tally:
    """How many letters were redriven so far, and those that stay open."""

    redriven: int = 0
    refused: list[Refused] = field(default_factory=list)


async def send_again(
    settings: Settings, chosen: Sequence[int], mapper: str | None, tally: Tally
) -> None:
    """Redrive letters and count them."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("redrive", total=len(chosen))
        async with (
            create_pool(settings) as pool,
            open_redriver(settings.kafka_bootstrap_servers, pool, now_ms) as redriver,
        ):
            outcome: Outcome
            async for outcome in redriver.redrive(chosen, by=who(), mapper=mapper):
                tally.redriven += len(outcome.redriven)
                tally.refused += outcome.refused
                progress.advance(task, len(outcome.redriven) + len(outcome.refused))


def who() -> str:
    """Return who runs this command, as it is remembered with a change."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container may run as a number without a name
        return f"cli:{os.getuid()}"


def run(settings: Settings, work: Callable[[DeadLetterStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        pool: Pool
        async with create_pool(settings) as pool:
            return await work(DeadLetterStore(pool))

    return asyncio.run(with_store())
