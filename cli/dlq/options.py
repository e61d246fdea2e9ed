"""Which dead letters: options that several commands have."""

import re
from collections.abc import Callable
from typing import Any

import click

from infra.wall_clock import now_ms
from schemas.times import from_rfc3339
from topics.catalog import DEAD_LETTERS
from topics.spec import DEAD_LETTER_SUFFIX

Command = Callable[..., Any]
TOPICS = [topic.name.removesuffix(DEAD_LETTER_SUFFIX) for topic in DEAD_LETTERS]
CHANGE_DEFAULT, CHANGE_MAX = 1000, 100_000
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
