"""``media-gateway rule``: what the product team pins, boosts, buries and filters."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import IO, Any, NamedTuple

import click
import orjson
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from cli.actor import cli_actor
from cli.options import CommandError, with_settings
from infra.postgres.audit import Connection, append
from infra.postgres.pool import UNAVAILABLE, create_pool, is_ready
from infra.settings import Settings
from schemas.audit_entry import AuditAction
from schemas.codec import decode, describe, encode
from schemas.ranking_rule import RULES_MAX, RankingRule
from schemas.times import to_rfc3339
from topics.catalog import RANKING_RULES

WIDTH = 160  # of the table where the output is no terminal


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

    Each has an entry in the audit trail, written once Kafka has acknowledged the rules.

    \b
    Example:
      media-gateway rule put premiere.json
    """
    rules = read_rules(file.read(), settings.slate_size)
    known = {each.rule_id: each for each in _stored(settings)}
    count = len(known.keys() | {each.rule_id for each in rules})
    if count > RULES_MAX:
        raise CommandError(f"there would be {count} rules; at most {RULES_MAX} are possible")
    rows = {RANKING_RULES.key_of(each): encode(each) for each in rules}
    changes = [RuleChange(each.rule_id, known.get(each.rule_id), each) for each in rules]
    asyncio.run(write(settings, {**rows}, changes))
    for each in rules:
        click.echo(f"{'replaced' if each.rule_id in known else 'added'} {each.rule_id}")


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
    rules = _stored(settings)
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
    known = {each.rule_id: each for each in _stored(settings)}
    if rule_id not in known:
        raise CommandError(f"no rule has the id {rule_id!r}")
    change = RuleChange(rule_id, known[rule_id], None)
    asyncio.run(write(settings, {rule_id.encode(): None}, [change]))
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


class RuleChange(NamedTuple):
    """What a rule was and what it is now; None: there is none."""

    rule_id: str
    before: RankingRule | None
    after: RankingRule | None


async def write(
    settings: Settings, rows: dict[bytes, bytes | None], changes: Sequence[RuleChange]
) -> None:
    """Write rules to their topic, then an entry for each to the audit trail.

    Rules are in Kafka and the trail is in Postgres, so the two are no transaction. An entry says
    what was acknowledged, and comes after it.

    Raises:
        CommandError: the database is away: before, so that nothing was written, or after.
    """
    from infra.kafka.cluster import cluster_of
    from infra.kafka.compacted import write_rows

    async with create_pool(settings) as pool:
        if not await is_ready(pool):
            raise CommandError("nothing was changed: the database of the audit trail is away")
        await write_rows(cluster_of(settings), RANKING_RULES, rows)
        try:
            async with pool.connection() as connection, connection.transaction():
                for each in changes:
                    await enter(connection, each)
        except UNAVAILABLE as error:
            raise CommandError(
                "the rules are changed, but the database went away: the audit trail has no entry "
                "of it; to put a rule again enters it"
            ) from error


async def enter(connection: Connection, change: RuleChange) -> None:
    """Add the entry of one change."""
    action: AuditAction = "rule.remove" if change.after is None else "rule.put"
    before, after = (
        None if each is None else each.model_dump(mode="json", exclude_none=True)
        for each in (change.before, change.after)
    )
    await append(connection, cli_actor(), action, change.rule_id, before, after)


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


def _stored(settings: Settings) -> list[RankingRule]:
    from infra.kafka.cluster import cluster_of
    from infra.kafka.compacted import read_rows

    rows = asyncio.run(read_rows(cluster_of(settings), RANKING_RULES))
    return [decode(RankingRule, rows[key]) for key in sorted(rows)]


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
