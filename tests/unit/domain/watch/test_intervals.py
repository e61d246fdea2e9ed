from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.watch import intervals

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def seconds_in(spans):
    return {second for start, end in spans for second in range(start, end)}


def union_of(spans):
    flat = []
    for start, end in spans:
        flat = intervals.add(flat, start, end)
    return flat


@given(SPANS)
def test_union_is_the_set_of_covered_seconds(spans):
    flat = union_of(spans)
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    assert seconds_in(pairs) == seconds_in(spans)
    assert intervals.length(flat) == len(seconds_in(spans))
    assert all(a < b for a, b in pairwise(flat)), "sorted, disjoint, not touching"


@given(SPANS, SPANS)
def test_union_is_commutative_and_idempotent(one, two):
    a, b = union_of(one), union_of(two)
    assert intervals.union(a, b) == intervals.union(b, a) == union_of([*two, *one])
    assert intervals.union(a, a) == a


@given(SPANS, st.integers(0, 60))
def test_clip_keeps_what_is_before_the_end(spans, end):
    flat = intervals.clip(union_of(spans), end)
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    assert seconds_in(pairs) == {s for s in seconds_in(spans) if s < end}


def test_touching_intervals_are_one():
    assert union_of([(0, 10), (10, 20)]) == [0, 20]


def test_backward_and_empty_intervals_add_nothing():
    assert union_of([(10, 5), (7, 7)]) == []


def test_a_bound_forgets_the_shortest():
    assert intervals.drop_shortest([0, 1, 10, 30, 40, 45], 2) == [10, 30, 40, 45]
