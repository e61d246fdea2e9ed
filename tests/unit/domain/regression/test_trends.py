"""Rates, slopes and tendencies against numbers by hand and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from domain.regression.trends import content_trends, slopes, viewer_tendency, wilson
from tests.unit.domain.regression.builders import DAY_MS, finished, packed, start, state


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 10), (7, 7), (480, 1000)])
def test_wilson_is_the_interval_of_statsmodels(successes, trials) -> None:
    rate = wilson(np.array([successes]), np.array([trials]))
    low, high = proportion_confint(successes, trials, method="wilson")
    assert rate.value[0] == successes / trials
    assert (rate.low[0], rate.high[0]) == pytest.approx((low, high))
    assert rate.low[0] <= rate.value[0] <= rate.high[0]


def test_nothing_is_known_of_no_trials() -> None:
    assert [part.tolist() for part in wilson(np.zeros(1), np.zeros(1))] == [[0.5], [0.0], [1.0]]


def test_slopes_are_those_of_statsmodels_for_each_group() -> None:
    rng = np.random.default_rng(6)
    groups = rng.integers(0, 4, 60)
    x, y = rng.normal(20_000, 30, 60), rng.normal(size=60)
    trend = slopes(groups, x, y, 4)
    for group in range(4):
        own = groups == group
        told = sm.OLS(y[own], sm.add_constant(x[own] - 20_000)).fit()
        assert trend.slope[group] == pytest.approx(told.params[1])
        assert (trend.low[group], trend.high[group]) == pytest.approx(tuple(told.conf_int()[1]))


def test_slope_by_hand() -> None:
    # y = 0, 1, 1 at 0, 1, 2: slope 1/2, residuals -1/6, 1/3, -1/6, error sqrt(1/6 / 2), t 12.7062.
    trend = slopes(np.zeros(3, int), np.arange(3.0), np.array([0.0, 1.0, 1.0]), 1)
    assert trend.slope[0] == pytest.approx(0.5)
    assert trend.high[0] - trend.slope[0] == pytest.approx(12.7062047 * np.sqrt(1 / 12))


@pytest.mark.parametrize(
    ("x", "y", "slope"),
    [
        ([], [], None), ([1], [1], None), ([1, 2], [1, 2], None), ([4, 4, 4], [1, 2, 3], None),
        ([1, 2, 3], [5, 5, 5], 0),
    ],
)  # fmt: skip
def test_points_that_determine_no_line(x, y, slope) -> None:
    trend = slopes(np.zeros(len(x), int), np.array(x, float), np.array(y, float), 1)
    expected = [np.nan] * 3 if slope is None else [slope] * 3
    assert [part[0] for part in trend] == pytest.approx(expected, nan_ok=True)


def test_points_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        slopes(np.zeros(3, int), np.arange(3.0), np.array([0.0, np.nan, 1.0]), 1)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.floats(-1, 1)), min_size=3, unique_by=lambda p: p[0]),
    st.floats(0.1, 10), st.floats(-100, 100), st.randoms(),
)  # fmt: skip
def test_order_shift_and_scale_of_points(points, scale, shift, random) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)
    x, y = np.array(points, float).T
    moved_x, moved_y = np.array(shuffled, float).T
    groups = np.zeros(len(points), int)
    plain = slopes(groups, x, y, 1)
    moved = slopes(groups, moved_x * scale + shift, moved_y, 1)
    for before, after in zip(plain, moved, strict=True):
        assert after * scale == pytest.approx(before, abs=1e-9)


def test_content_trends_by_hand() -> None:
    states = [
        state("u", "a", 1, progress=0.25), finished("v", "a", 2, 1, progress=0.75),  # day 0: 0.5
        state("w", "a", 24, progress=0.5),  # day 1
        finished("x", "a", 72, progress=1.0),  # day 3
        state("u", "b", 30),
    ]  # fmt: skip
    trends = content_trends(packed(*states))
    assert trends.starts.tolist() == [4, 1]
    assert trends.completions.tolist() == [2, 0]
    assert trends.since_ms.tolist() == [DAY_MS // 24, 30 * DAY_MS // 24]
    assert trends.rate.value.tolist() == [0.5, 0]
    told = sm.OLS([0.5, 0.5, 1.0], sm.add_constant([0.0, 1.0, 3.0])).fit()
    assert trends.trend.slope == pytest.approx([told.params[1], np.nan], nan_ok=True)
    assert trends.trend.low[0] == pytest.approx(told.conf_int()[1][0])


def test_contents_without_starts_are_there_with_nothing() -> None:
    starts = packed(state("u", "a", 1))
    trends = content_trends(starts.take(np.array([False])))
    assert trends.starts.tolist() == [0]
    assert np.isnan(trends.trend.slope).all()


def test_a_viewer_who_binges_and_one_who_abandons() -> None:
    # Sessions: 0-2 h with two completed, 6-7 h with one (4 h after), 30-31 h abandoned.
    watched = [
        start(0, completed=True), start(1, completed=True), start(6, completed=True), start(30),
    ]  # fmt: skip
    tendency = viewer_tendency(reversed(watched))
    assert (tendency.sessions, tendency.starts) == (3, 4)
    assert tendency.binge == pytest.approx((1 + 1) / (3 + 5))
    assert tendency.abandon == pytest.approx((1 + 1) / (4 + 2))


def test_exactly_the_gap_is_the_same_session_and_a_new_viewer_is_the_prior() -> None:
    assert viewer_tendency([start(0), start(4)]).sessions == 1
    assert viewer_tendency([start(0), start(4.01)]).sessions == 2
    unknown = viewer_tendency([])
    assert (unknown.binge, unknown.abandon) == (0.2, 0.5)
