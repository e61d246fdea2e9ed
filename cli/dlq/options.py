"""Which dead letters: options that several commands have."""

from collections.abc import Callable
from typing import Any

import click

from cli.durations import DURATION_MAX_S, seconds_of
from infra.wall_clock import now_ms
from schemas.times import from_rfc3339
from topics.catalog import DEAD_LETTERS
from topics.spec import DEAD_LETTER_SUFFIX

Command = Callable[..., Any]
TOPICS = [topic.name.removesuffix(DEAD_LETTER_SUFFIX) for topic in DEAD_LETTERS]
CHANGE_DEFAULT, CHANGE_MAX = 1000, 100_000
LETTER_ID = click.IntRange(1, 2**63 - 1)  # bigint


class Moment(click.ParamType):
    """A time in RFC 3339, or how long ago: ``90m``, ``24h``, ``7d``; gives Unix milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read one value."""
        if isinstance(value, int):
            return value
        ago_s = seconds_of(value)
        if ago_s is not None and ago_s <= DURATION_MAX_S:
            return now_ms() - ago_s * 1000
        try:
            return from_rfc3339(value)
        except ValueError as error:
            self.fail(
                f"{value!r}: {error}; or how long ago, up to {DURATION_MAX_S // 86_400}d: 24h",
                param,
                ctx,
            )


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
