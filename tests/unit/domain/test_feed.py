"""The page: values by hand, greedy order, no title twice, ties."""

import math
import random

import pytest

from domain.feed import FIRST, arrange, value_of
from schemas.api import FeedEntry, FeedRow, WatchCard


def row(name: str, because_of: str | None = None, **probabilities: float | None) -> FeedRow:
    entries = (FeedEntry(content_id=key, probability=p) for key, p in probabilities.items())
    return FeedRow(name=name, title=name, because_of=because_of, entries=tuple(entries))  # type: ignore[arg-type]


def shape(rows: list[FeedRow]) -> list[tuple[str, str]]:
    return [(row.name, "".join(entry.content_id for entry in row.entries)) for row in rows]


def test_the_value_is_the_discounted_sum_of_the_first_probabilities() -> None:
    assert value_of(row("trending", a=0.5, b=0.4).entries) == pytest.approx(
        0.5 + 0.4 / math.log2(3), abs=1e-6
    )
    many = row("trending", **{f"t{number}": 0.1 for number in range(FIRST + 5)}).entries
    assert value_of(many) == value_of(many[:FIRST])
    assert value_of(row("for_you", a=None, b=0.3).entries) == pytest.approx(
        0.3 / math.log2(3), abs=1e-6
    )


def test_rows_come_by_value_and_the_earlier_one_keeps_a_title() -> None:
    rows = [row("trending", a=0.3, b=0.1), row("for_you", a=0.2, c=0.2), row("new_for_you", c=0.01)]
    placed = arrange(rows, 10)
    assert shape(placed) == [("trending", "ab"), ("for_you", "c")]
    assert [each.value for each in placed] == [value_of(each.entries) for each in placed]


def test_a_row_is_judged_by_what_is_left_of_it() -> None:
    # "for you" is worth more than "new" until its best title is shown above.
    rows = [row("trending", a=0.9), row("for_you", a=0.5, b=0.1), row("new_for_you", c=0.2)]
    assert shape(arrange(rows, 10)) == [("trending", "a"), ("new_for_you", "c"), ("for_you", "b")]


def test_ties_by_name_then_by_the_title_it_comes_from() -> None:
    rows = [
        row("trending", a=0.5), row("because_you_watched", "y", b=0.5),
        row("because_you_watched", "x", c=0.5),
    ]  # fmt: skip
    expected = [("because_you_watched", "c"), ("because_you_watched", "b"), ("trending", "a")]
    for order in (rows, rows[::-1]):
        assert shape(arrange(order, 10)) == expected


def test_what_the_limit_cuts_off_is_free_for_other_rows() -> None:
    rows = [row("trending", a=0.5, b=0.4), row("for_you", b=0.1, c=0.1)]
    assert shape(arrange(rows, 1)) == [("trending", "a"), ("for_you", "b")]


def test_rows_without_probabilities_come_last_and_empty_ones_not_at_all() -> None:
    rows = [row("for_you", a=None, b=None), row("trending", b=0.001), row("new_for_you")]
    assert shape(arrange(rows, 10)) == [("trending", "b"), ("for_you", "a")]
    assert arrange([], 10) == []


def test_an_episode_to_go_on_with_stands_for_its_series() -> None:
    card = WatchCard(
        content_id="e1", series_id="s", kind="next", updated_at_ms=0, resume_probability=0.5
    )
    going_on = FeedRow(
        name="continue_watching", title="C",
        entries=(FeedEntry(content_id="e1", probability=0.5, card=card),),
    )  # fmt: skip
    assert shape(arrange([row("trending", s=0.4, a=0.1), going_on], 10)) == [
        ("continue_watching", "e1"), ("trending", "a"),
    ]  # fmt: skip


def falling(rng: random.Random) -> list[float]:
    return sorted((rng.random() for _ in range(rng.randrange(9))), reverse=True)


def test_no_page_has_a_title_twice_and_values_fall_where_probabilities_do() -> None:
    rng = random.Random(3)
    names = ["for_you", "trending", "new_for_you", "continue_watching", "because_you_watched"]
    for _ in range(200):
        rows = [
            row(name, **dict(zip(rng.sample("abcdefghijkl", 8), falling(rng), strict=False)))
            for name in names
        ]
        limit = rng.randrange(1, 8)
        placed = arrange(rows, limit)
        shown = [entry.content_id for each in placed for entry in each.entries]
        assert len(shown) == len(set(shown))
        assert all(1 <= len(each.entries) <= limit for each in placed)
        values = [each.value for each in placed]
        assert values == sorted(values, reverse=True)
