"""Statistics of titles: decay by hand, and the same numbers where they are published."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ranking.statistics import HALF_LIVES_DAYS, StatisticsTable, TitleStatistics
from schemas.times import DAY_MS

Viewing = tuple[int, int, int]  # title, at_ms, likes


def table(viewings: list[Viewing]) -> StatisticsTable:
    found = StatisticsTable()
    for title, at_ms, likes in viewings:
        found.add(title, at_ms, viewers=1, likes=likes)
    return found


def read(fill: Callable[[np.ndarray], None], size: int) -> list[float]:
    """What is written for so many titles, over anything."""
    into = np.full(size, np.nan)
    fill(into)
    return into.tolist()


def popularity(of: StatisticsTable, span: int, size: int) -> list[float]:
    return read(lambda into: of.popularity(span, into), size)


def viewings() -> st.SearchStrategy[list[Viewing]]:
    times = st.integers(0, 60).map(lambda day: day * DAY_MS // 2)
    return st.lists(st.tuples(st.integers(0, 3), times, st.integers(0, 1)), max_size=25)


def test_a_viewer_counts_half_after_a_half_life() -> None:
    found = table([(0, 0, 1), (0, DAY_MS, 0)])
    day, week, month = found.get(0).decayed
    assert day == 1.5
    assert week == round(1 + 0.5 ** (1 / 7), 6)
    assert month == round(1 + 0.5 ** (1 / 30), 6)
    assert found.get(0)[:4] == (2, 1, 0, DAY_MS)


def test_a_late_viewer_counts_as_if_in_time() -> None:
    late = table([(0, DAY_MS, 0), (0, 0, 1)])
    assert late.get(0) == table([(0, 0, 1), (0, DAY_MS, 0)]).get(0)


def test_popularity_is_at_the_newest_time_of_any_title() -> None:
    found = table([(0, 0, 0), (1, 3 * DAY_MS, 0)])
    assert popularity(found, 0, 2) == [0.125, 1.0]
    assert read(found.ages_days, 3) == [3.0, 0.0, 0.0]
    assert found.viewers_of(3).tolist() == [1.0, 1.0, 0.0]


def test_a_title_of_long_ago_is_hardly_popular_and_not_below_nothing() -> None:
    found = table([(0, 0, 0), (1, 5000 * DAY_MS, 0)])
    old, new = popularity(found, 0, 2)
    assert 0.0 <= old < 1e-300
    assert new == 1.0


def test_a_title_liked_at_the_end_is_no_new_viewer() -> None:
    found = table([(0, 0, 0), (1, DAY_MS, 0)])
    before = popularity(found, 0, 2)
    found.add(0, 9 * DAY_MS, viewers=0, likes=1)
    assert popularity(found, 0, 2) == before
    assert found.get(0)[:4] == (1, 1, 0, 0)


def test_likes_and_viewers_taken_back_do_not_fall_below_zero() -> None:
    found = table([(0, 5, 1)])
    found.add(0, 9, viewers=-1, likes=-1)
    found.add(0, 9, viewers=-1, likes=-1)
    assert found.get(0)[:2] == (0, 0)
    assert read(found.like_rate, 2) == [0.5, 0.5]
    found.add(0, 50, viewers=1, likes=0)
    assert found.get(0).first_at_ms == 50


def test_like_rate_is_smoothed_towards_a_half() -> None:
    found = table([(0, 0, 1)] * 4 + [(1, 0, 0)] * 4)
    assert read(found.like_rate, 3) == [6 / 8, 2 / 8, 0.5]


@given(viewings(), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(given_ones: list[Viewing], random) -> None:
    shuffled = list(given_ones)
    random.shuffle(shuffled)
    one, other = table(given_ones), table(shuffled)
    for title in range(4):
        ours, theirs = one.get(title), other.get(title)
        assert ours[:4] == theirs[:4]
        assert ours.decayed == pytest.approx(theirs.decayed, abs=2e-6)


@given(viewings())
def test_decayed_counts_are_those_of_the_definition(given_ones: list[Viewing]) -> None:
    found = table(given_ones)
    for title in range(4):
        times = [at_ms for each, at_ms, _ in given_ones if each == title]
        newest = max(times, default=0)
        for days, decayed in zip(HALF_LIVES_DAYS, found.get(title).decayed, strict=True):
            ages = [(newest - at_ms) / (days * DAY_MS) for at_ms in times]
            assert decayed == pytest.approx(math.fsum(2.0**-age for age in ages), abs=1e-6)


@given(viewings())
def test_who_knows_only_what_was_published_knows_the_same_to_the_last_bit(
    given_ones: list[Viewing],
) -> None:
    found, other = table(given_ones), StatisticsTable()
    for title in range(4):
        row = found.get(title)
        assert row == TitleStatistics(*row)
        if row.viewers:
            other.put(title, row)
            assert other.get(title) == row
    for span in range(len(HALF_LIVES_DAYS)):
        assert popularity(found, span, 4) == popularity(other, span, 4)
    assert read(found.ages_days, 4) == read(other.ages_days, 4)
    assert read(found.like_rate, 4) == read(other.like_rate, 4)


def test_titles_beyond_the_first_thousand_find_room() -> None:
    found = table([(5000, 7, 1)])
    assert found.get(5000)[:2] == (1, 1)
    assert len(found.viewers_of(20_000)) == 20_000
    assert popularity(found, 0, 6000)[5000] == 1.0
