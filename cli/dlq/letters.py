"""Dead letters chosen, redriven and counted, for the commands."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from cli.actor import cli_actor
from cli.dlq.report import print_table, why_not_open
from cli.options import EXIT_USAGE, CommandError
from infra.kafka.cluster import cluster_of
from infra.postgres.dead_letters import (
    OPEN,
    DeadLetter,
    DeadLetterStore,
    LetterFilter,
    WholeLetter,
)
from infra.postgres.pool import Pool, create_pool
from infra.redrive import Outcome, Refused, open_redriver
from infra.settings import Settings
from infra.wall_clock import now_ms

T = TypeVar("T")
SHOWN_MAX = 50


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
        found = await find_all(store, chosen[:SHOWN_MAX])
        return [whole.letter for whole in found.values()]

    print_table(run(settings, first_of), more=len(chosen) > SHOWN_MAX)
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
            open_redriver(cluster_of(settings), pool, now_ms) as redriver,
        ):
            outcome: Outcome
            async for outcome in redriver.redrive(cli_actor(), chosen, mapper=mapper):
                tally.redriven += len(outcome.redriven)
                tally.refused += outcome.refused
                progress.advance(task, len(outcome.redriven) + len(outcome.refused))


def run(settings: Settings, work: Callable[[DeadLetterStore], Awaitable[T]]) -> T:
    """Run ``work`` with a store."""

    async def with_store() -> T:
        pool: Pool
        async with create_pool(settings) as pool:
            return await work(DeadLetterStore(pool))

    return asyncio.run(with_store())
