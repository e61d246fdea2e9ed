"""Durations, moments and columns as people read them."""

import click
import pytest

from cli import key, partner, signing_key
from cli.columns import aligned
from cli.durations import Duration, moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("15s", 15), ("30m", 1800), ("24h", 86_400), ("90d", 7_776_000)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "1w", "1.5h", "-1d", "1 d", "٣d", "1d1h", "9" * 13 + "d"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="like 90d"):
        Duration().convert(text, None, None)


def test_what_is_too_short_or_too_long_is_refused_as_that() -> None:
    whole_days = Duration(minimum_s=86_400, maximum_s=2 * 86_400)
    assert [whole_days.convert(f"{hours}h", None, None) for hours in (24, 48)] == [86_400, 172_800]
    for text, said in (
        ("23h", "too short: at least 86400s"), ("0d", "too short"),
        ("49h", "too long: at most 2d"), ("99999999d", "too long: at most 2d"),
    ):  # fmt: skip
        with pytest.raises(click.BadParameter, match=said):
            whole_days.convert(text, None, None)


@pytest.mark.parametrize(
    ("command", "option"),
    [(key.rotate, "overlap"), (partner.rotate, "overlap"), (signing_key.rotate, "lead")],
)
def test_nothing_needs_no_unit_where_it_makes_sense(command: click.Command, option: str) -> None:
    assert type_of(command, option).convert("0", None, None) == 0


@pytest.mark.parametrize("text", ["0", "0s"])
def test_a_key_that_begins_ended_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="too short: at least 1s"):
        type_of(key.create, "expires_in").convert(text, None, None)


def type_of(command: click.Command, option: str) -> click.ParamType:
    return next(each.type for each in command.params if each.name == option)


def test_a_moment_is_in_utc() -> None:
    assert moment(0) == "1970-01-01T00:00:00Z"
    assert moment(None) == "-"
    assert moment(None, "never") == "never"


def test_columns_are_as_wide_as_their_longest_value() -> None:
    assert aligned(("a", "b"), [("long", "x"), ("y", "")]) == ["a     b", "long  x", "y"]
