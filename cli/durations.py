"""Durations and moments as people write and read them: ``90d``, ``24h``, ``30m``, ``15s``."""

import datetime
import re
from typing import Any

import click

PATTERN = re.compile(r"([0-9]{1,12})([smhd])", re.ASCII)
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION_MAX_S = 10 * 366 * 86_400


class Duration(click.ParamType):
    """An option's value in seconds, from ``minimum_s`` to ``maximum_s``: a number and a unit.

    Where it may be nothing, ``0`` says so without a unit.
    """

    name = "duration"

    def __init__(self, minimum_s: int = 0, maximum_s: int = DURATION_MAX_S) -> None:
        self.minimum_s = minimum_s
        self.maximum_s = maximum_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return seconds; ends the command when it is no duration, too short or too long."""
        if isinstance(value, int):
            return value
        seconds = 0 if value == "0" else seconds_of(str(value))
        if seconds is None:
            self.fail(f"{value!r}: a duration is a number and s, m, h or d, like 90d", param, ctx)
        if seconds < self.minimum_s:
            self.fail(f"{value!r} is too short: at least {self.minimum_s}s", param, ctx)
        if seconds > self.maximum_s:
            self.fail(f"{value!r} is too long: at most {self.maximum_s // 86_400}d", param, ctx)
        return seconds


def seconds_of(text: str) -> int | None:
    """Return the seconds of a number and a unit; None for any other text.

    >>> seconds_of("90m"), seconds_of("90")
    (5400, None)
    """
    match = PATTERN.fullmatch(text)
    return None if match is None else int(match[1]) * UNITS_S[match[2]]


def moment(at_ms: int | None, absent: str = "-") -> str:
    """Return a time of Unix milliseconds in UTC, to the second.

    >>> moment(1_767_225_600_123)
    '2026-01-01T00:00:00Z'
    """
    if at_ms is None:
        return absent
    return f"{datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
