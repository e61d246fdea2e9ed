"""Numbers of letters in short: nothing lost while they fit, an honest end where they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.postgres.dead_letters import numbers_text
from schemas.audit_entry import SUBJECT_MAX

NUMBERS = st.sets(st.integers(1, 2**63 - 1) | st.integers(1, 300), min_size=1).map(sorted)


def read(text):
    """Return the numbers that a text names."""
    ends = [part.split("-") for part in text.split(",")]
    return [number for run in ends for number in range(int(run[0]), int(run[-1]) + 1)]


@given(NUMBERS)
def test_the_text_names_all_numbers_or_says_how_many(numbers):
    text = numbers_text(numbers)
    assert 1 <= len(text) <= SUBJECT_MAX
    named, _, end = text.partition(",...")
    if end:
        assert end == f" {len(numbers)} in all"
        assert read(named) == numbers[: len(read(named))]
    else:
        assert read(text) == numbers


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([1], "1"), ([1, 2], "1-2"), ([1, 3], "1,3"), ([1, 2, 3, 7, 9, 10], "1-3,7,9-10")],
)
def test_runs_are_written_by_their_ends(numbers, text):
    assert numbers_text(numbers) == text
