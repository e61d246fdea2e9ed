"""The commands of ``media-gateway dlq``."""

import asyncio
from typing import Any

import click

from cli.actor import cli_actor
from cli.dlq.letters import Tally, choose, only_show, run, send_again
from cli.dlq.options import LETTER_ID, at_most, by_reason, filters, only_with_yes
from cli.dlq.report import as_data, letter_text, print_json, print_table
from cli.options import CommandError, with_settings
from infra.postgres.dead_letters import OPEN, STATES, LetterFilter
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.admin_api import NOTE_MAX

LIST_DEFAULT, LIST_MAX = 50, 1000
EVERYTHING = "all"


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
    if not 1 <= len(note.strip()) <= NOTE_MAX or not note.isprintable():
        raise CommandError(f"a reason has 1 to {NOTE_MAX} printable characters")
    chosen = choose(settings, letter_ids, LetterFilter(**wanted), limit)
    if not (letter_ids or yes):
        only_show(settings, chosen)
        return
    done = run(
        settings,
        lambda store: store.discard(cli_actor(), chosen, at_ms=now_ms(), note=note.strip()),
    )
    click.echo(f"discarded: {len(done)}")
