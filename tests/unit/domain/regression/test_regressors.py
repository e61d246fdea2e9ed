"""Regressors see the past only, and are what their names say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.regression.regressors import NAMES, design_of, past_of
from domain.regression.starts import NEVER_MS
from tests.unit.domain.regression.builders import finished, packed, state


def test_counts_worked_by_hand() -> None:
    past = past_of(
        packed(
            finished("u", "a", 0, 2),  # completed at 2
            state("v", "a", 1),
            finished("u", "b", 2, 1),  # completed at 3; begun when u completed a: not before
            state("w", "a", 3),
            state("u", "c", 4),
        )
    )
    assert past.content_starts.tolist() == [0, 1, 0, 2, 0]
    assert past.content_completions.tolist() == [0, 0, 0, 1, 0]
    assert past.viewer_starts.tolist() == [0, 0, 1, 0, 2]
    assert past.viewer_completions.tolist() == [0, 0, 0, 0, 2]
    assert past.all_starts.tolist() == [0, 1, 2, 3, 4]
    assert past.all_completions.tolist() == [0, 0, 0, 1, 2]
    assert (past.content_since_ms / 3600e3).tolist() == [0, 0, 2, 0, 4]


def test_an_earlier_epoch_counts_from_its_completion() -> None:
    again = state("u", "a", 9, epoch=1, completions=1, completed_at_ms=int(3 * 3600e3))
    past = past_of(packed(state("v", "a", 3), state("w", "a", 4), again))
    assert past.content_starts.tolist() == [0, 2, 3]
    assert past.content_completions.tolist() == [0, 1, 1]
    assert past.viewer_starts.tolist() == [0, 0, 1]
    assert past.rewatch.tolist() == [0, 0, 1]


def test_regressors_worked_by_hand() -> None:
    # 51 h after Thursday 00:00 UTC: Saturday, 03:00.
    names, matrix = design_of(
        packed(finished("u", "a", 3, 2), state("v", "a", 51, duration_s=0), state("w", "b", 51))
    )
    assert names == NAMES
    assert matrix.shape == (3, len(NAMES))
    row = dict(zip(names, matrix[1].tolist(), strict=True))
    average = 2 / 3  # (1 completed + 1) / (1 started + 2)
    assert row == pytest.approx(
        {
            "content_completion_logit": math.log((1 + 5 * average) / (5 * (1 - average))),
            "content_starts_log": math.log(2),
            "content_age_log": math.log(3),
            "viewer_completion_logit": math.log(average / (1 - average)),
            "viewer_starts_log": 0,
            "hour_sin": math.sin(math.pi / 4),
            "hour_cos": math.cos(math.pi / 4),
            "weekend": 1,
            "runtime_log": math.log(6000),
            "rewatch": 0,
        }
    )
    assert matrix[0][NAMES.index("weekend")] == 0
    assert matrix[2][NAMES.index("content_age_log")] == 0


def test_extra_columns_come_last() -> None:
    names, matrix = design_of(
        packed(state("u", "a", 1), state("u", "b", 2)), {"x": np.array([3, 4])}
    )
    assert names == (*NAMES, "x")
    assert matrix[:, -1].tolist() == [3, 4]


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from("uvw"), st.sampled_from("abcd"), st.integers(0, 30), st.integers(1, 9),
        st.booleans(),
    ),
    min_size=2,
    unique_by=lambda each: each[:2],
)  # fmt: skip


@given(HISTORIES, st.integers(0, 40))
def test_changing_the_future_changes_no_row_of_the_past(histories, now_h) -> None:
    def rows(cut: bool):
        states = []
        for user, content, begun, hours, done in histories:
            if cut and begun > now_h:
                continue
            is_known = begun + hours <= now_h or not cut
            maker = finished if done and is_known else state
            states.append(maker(user, content, begun, hours) if maker is finished
                          else maker(user, content, begun))  # fmt: skip
        starts = packed(*states)
        _, matrix = design_of(starts)
        at_h = starts.rows["started_at_ms"] / 3600e3
        return matrix[at_h <= now_h].tolist()

    assert rows(cut=True) == rows(cut=False)


@given(HISTORIES)
def test_counts_are_those_of_a_plain_loop(histories) -> None:
    states = [
        finished(user, content, begun, hours) if done else state(user, content, begun)
        for user, content, begun, hours, done in histories
    ]
    starts = packed(*states)
    past = past_of(starts)
    rows = list(zip(starts.viewers, starts.contents, starts.rows, strict=True))
    for place, (viewer, content, row) in enumerate(rows):
        at = row["started_at_ms"]
        same = [other for v, c, other in rows if c == content]
        own = [other for v, c, other in rows if v == viewer]
        assert past.content_starts[place] == sum(r["started_at_ms"] < at for r in same)
        assert past.viewer_completions[place] == sum(r["completed_at_ms"] < at for r in own)
        assert past.all_completions[place] == sum(
            NEVER_MS != r["completed_at_ms"] < at for _, _, r in rows
        )
