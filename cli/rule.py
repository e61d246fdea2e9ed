"""``media-gateway rule``: what the product team pins, boosts, buries and filters."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

import click
import orjson
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from cli.actor import cli_actor
from cli.options import CommandError, with_settings
from infra.kafka.cluster import cluster_of
from infra.postgres.pool import create_pool, is_ready
from infra.postgres.rule_changes import turn
from infra.rule_outbox import (
    AWAY,
    RuleChange,
    enter,
    send_in_turn,
    send_waiting,
    stored_rules,
)
from infra.settings import Settings
from schemas.codec import describe, encode
from schemas.ranking_rule import RULES_MAX, RankingRule
from schemas.times import to_rfc3339

WIDTH = 160  # of the table where the output is no terminal

Decide = Callable[[Mapping[str, RankingRule]], list[RuleChange]]


@click.group()
def rule() -> None:
    """Set, list, remove and check ranking rules."""


@rule.command()
@with_settings(kafka=True, database=True)
@click.argument("file", type=click.File("rb"))
def put(settings: Settings, file: IO[bytes]) -> None:
    """Set the rule in FILE (JSON; a list sets several; - reads standard input).

    A rule with the same id is replaced. Nothing is set unless all rules are valid. The next list of
    each viewer follows the rules.

    Each has an entry in the audit trail, in one transaction with the change. Where Kafka goes away
    in that moment, the rules are kept, and sent when it is back.

    \b
    Example:
      media-gateway rule put premiere.json
    """
    rules = read_rules(file.read(), settings.slate_size)

    def decide(known: Mapping[str, RankingRule]) -> list[RuleChange]:
        count = len(known.keys() | {each.rule_id for each in rules})
        if count > RULES_MAX:
            raise CommandError(f"there would be {count} rules; at most {RULES_MAX} are possible")
        return [RuleChange(each.rule_id, known.get(each.rule_id), each) for each in rules]

    for each in asyncio.run(change(settings, decide)):
        click.echo(f"{'added' if each.before is None else 'replaced'} {each.rule_id}")


@rule.command("list")
@with_settings(kafka=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON that `rule put` takes.")
def list_rules(settings: Settings, *, as_json: bool) -> None:
    """List the rules by id, also those that are not enabled or whose time is over.

    \b
    Examples:
      media-gateway rule list
      media-gateway rule list --json
    """
    rules = list(asyncio.run(stored_rules(cluster_of(settings))).values())
    if as_json:
        click.echo(json.dumps([orjson.loads(encode(each)) for each in rules], indent=2))
        return
    console = Console()
    console.width = console.width if console.is_terminal else WIDTH
    console.print(table_of(rules))


@rule.command()
@with_settings(kafka=True, database=True)
@click.argument("rule_id")
def remove(settings: Settings, rule_id: str) -> None:
    """Remove the rule with this id; the audit trail has an entry of it.

    \b
    Example:
      media-gateway rule remove premiere-week
    """

    def decide(known: Mapping[str, RankingRule]) -> list[RuleChange]:
        if rule_id not in known:
            raise CommandError(f"no rule has the id {rule_id!r}")
        return [RuleChange(rule_id, known[rule_id], None)]

    asyncio.run(change(settings, decide))
    click.echo(f"removed {rule_id}")


@rule.command()
@with_settings()
@click.argument("file", type=click.File("rb"))
def check(settings: Settings, file: IO[bytes]) -> None:
    """Say what is wrong with the rules in FILE, field by field; set nothing.

    \b
    Example:
      media-gateway rule check premiere.json
    """
    for each in read_rules(file.read(), settings.slate_size):
        click.echo(f"{each.rule_id} is valid")


async def change(settings: Settings, decide: Decide) -> list[RuleChange]:
    """Make the changes that ``decide`` makes of the rules there are, and return them.

    Raises:
        CommandError: it refuses, or the database is away: then nothing was changed. Or the changes
            are kept with their entries, but Kafka went away.
    """
    cluster = cluster_of(settings)
    async with create_pool(settings) as pool:
        if not await is_ready(pool):
            raise CommandError("nothing was changed: the database of the audit trail is away")
        async with turn(pool) as connection:
            await send_waiting(connection, cluster)
            changes = decide(await stored_rules(cluster))
            await enter(connection, cli_actor(), changes)
        try:
            await send_in_turn(pool, cluster)
        except AWAY as error:
            raise CommandError(
                f"the change is kept and in the audit trail, but could not be sent to Kafka "
                f"({type(error).__name__}): a worker that runs serving agents sends it, or the "
                f"next `rule put` or `rule remove`"
            ) from error
    return changes


def read_rules(text: bytes, slate_size: int) -> list[RankingRule]:
    """Return the rules of a file: one object, or a list of them.

    Raises:
        CommandError: something is wrong; the message names rule and field.
    """
    try:
        given: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CommandError(f"not JSON: {error}") from error
    several = isinstance(given, list)
    rules = [
        _read_rule(each, slate_size, f"rule {number}: " if several else "")
        for number, each in enumerate(given if several else [given], 1)
    ]
    ids = [each.rule_id for each in rules]
    twice = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    if twice:
        raise CommandError(f"rule_id: given more than once: {', '.join(twice)}")
    return rules


def _read_rule(given: Any, slate_size: int, where: str) -> RankingRule:
    from domain.ranking.rules import problems

    try:
        # A person's misspelt field is a mistake, a record's unknown one is from a newer writer.
        found = RankingRule.model_validate_json(orjson.dumps(given), extra="forbid")
    except ValidationError as error:
        raise CommandError(where + describe(error)) from error
    wrong = problems(found, slate_size)
    if wrong:
        raise CommandError(where + "; ".join(wrong))
    return found


def table_of(rules: Iterable[RankingRule]) -> Table:
    """Return one line a rule."""
    table = Table("rule", "state", "action", "titles", "row", "regions", "from", "until", "note")
    for each in rules:
        table.add_row(
            each.rule_id,
            "on" if each.enabled else "off",
            _action_of(each),
            "\n".join(f"{kind}: {_some(values)}" for kind, values in each.match.kinds.items()),
            each.row,
            ", ".join(each.regions) or "all",
            _moment(each.from_at_ms),
            _moment(each.until_at_ms),
            each.note or "",
        )
    return table


def _action_of(each: RankingRule) -> str:
    if each.action == "pin":
        return f"pin at {each.position}"
    return each.action if each.strength is None else f"{each.action} by {each.strength:g}"


def _some(values: tuple[str, ...], shown: int = 5) -> str:
    more = f" and {len(values) - shown} more" if len(values) > shown else ""
    return ", ".join(values[:shown]) + more


def _moment(at_ms: int | None) -> str:
    return "" if at_ms is None else to_rfc3339(at_ms)
