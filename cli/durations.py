"""Durations and moments as people write and read them: ``90d``, ``24h``, ``30m``, ``15s``."""

import datetime
import re
from typing import Any

import click

PATTERN = re.compile(r"([0-9]{1,12})([smhd])", re.ASCII)
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION_MAX_S = 10 * 366 * 86_400


class Duration(click.ParamType):
    """An option's value in seconds, from ``minimum_s`` to ``maximum_s``: a number and a unit."""

    name = "duration"

    def __init__(self, minimum_s: int = 0, maximum_s: int = DURATION_MAX_S) -> None:
        self.minimum_s = minimum_s
        self.maximum_s = maximum_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return seconds; ends the command when it is no duration, too short or too long."""
        if isinstance(value, int):
            return value
        match = PATTERN.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r}: a duration is a number and s, m, h or d, like 90d", param, ctx)
        seconds = int(match[1]) * UNITS_S[match[2]]
        if seconds < self.minimum_s:
            self.fail(f"{value!r} is too short: at least {self.minimum_s}s", param, ctx)
        if seconds > self.maximum_s:
            self.fail(f"{value!r} is too long: at most {self.maximum_s // 86_400}d", param, ctx)
        return seconds


def moment(at_ms: int | None, absent: str = "-") -> str:
    """Return a time of Unix milliseconds in UTC, to the second."""
    if at_ms is None:
        return absent
    return f"{datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
