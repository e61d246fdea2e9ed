"""Durations and moments as people write and read them: ``90d``, ``24h``, ``30m``, ``15s``."""

import datetime
import re
from typing import Any

import click

PATTERN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION_MAX_S = 10 * 366 * 86_400


class Duration(click.ParamType):
    """An option's value in seconds, written as a number and a unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return seconds; ends the command when it is no duration."""
        if isinstance(value, int):
            return value
        match = PATTERN.fullmatch(str(value))
        seconds = int(match[1]) * UNITS_S[match[2]] if match else -1
        if not 0 <= seconds <= DURATION_MAX_S:
            self.fail(f"{value!r}: a duration is a number and s, m, h or d, like 90d", param, ctx)
        return seconds


def moment(at_ms: int | None, absent: str = "-") -> str:
    """Return a time of Unix milliseconds in UTC, to the second."""
    if at_ms is None:
        return absent
    return f"{datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
