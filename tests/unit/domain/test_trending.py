"""Trending: exact buckets, decay, and merging that does not depend on order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.trending import (
    ENTRIES_MAX,
    HOUR_MS,
    decode_buckets,
    encode_buckets,
    merge,
    oldest_hour,
    partial,
    score,
)
from schemas.trending import TrendingPartial

DAY_MS = 24 * HOUR_MS
T = 1000 * DAY_MS


def part(shard: str, as_of_ms: int, *counts: tuple[str, str, int, int]) -> TrendingPartial:
    buckets = {(content, region): {hour: viewers} for content, region, hour, viewers in counts}
    return partial(shard, buckets, as_of_ms, DAY_MS)


def test_score_halves_with_the_half_life() -> None:
    hour = T // HOUR_MS
    assert score({hour: 3}, T, DAY_MS) == 3.0
    assert score({hour - 24: 3, hour - 48: 4}, T, DAY_MS) == 1.5 + 1.0


def test_window_is_seven_days() -> None:
    assert T // HOUR_MS - oldest_hour(T) == 7 * 24 - 1


@given(st.dictionaries(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1), max_size=20))
def test_buckets_round_trip_in_one_form(buckets: dict[int, int]) -> None:
    backwards = dict(sorted(buckets.items(), reverse=True))
    assert encode_buckets(backwards) == encode_buckets(buckets)
    assert decode_buckets(encode_buckets(buckets)) == buckets


def test_partial_is_sorted_and_bounded() -> None:
    hour = T // HOUR_MS
    counts = {(f"c{n:05d}", "ZZ"): {hour: 1 + n // 1500} for n in range(ENTRIES_MAX + 10)}
    found = partial("3", counts, T, DAY_MS)
    assert len(found.entries) == ENTRIES_MAX
    assert (found.entries[0].content_id, found.entries[0].viewers) == ("c01500", 2)
    keys = [(-entry.score, entry.content_id, entry.region) for entry in found.entries]
    assert keys == sorted(keys)


def test_merge_brings_parts_to_the_newest_time() -> None:
    old = part("0", T - DAY_MS, ("a", "DE", (T - DAY_MS) // HOUR_MS, 4))
    new = part("1", T, ("a", "FR", T // HOUR_MS, 1), ("b", "DE", T // HOUR_MS, 3))
    assert merge([old, new], limit=10) == [("a", 3.0, 5), ("b", 3.0, 3)]
    assert merge([old, new], limit=1) == [("a", 3.0, 5)]
    assert merge([old, new], limit=10, region="DE") == [("b", 3.0, 3), ("a", 2.0, 4)]
    assert merge([old, new], limit=10, keep=lambda content: content == "b") == [("b", 3.0, 3)]
    later = merge([old, new], limit=10, as_of_ms=T + DAY_MS)
    assert [title.score for title in later] == [1.5, 1.5]
    assert merge([], limit=10) == []


@given(st.permutations(range(5)))
def test_merge_does_not_depend_on_order(order: list[int]) -> None:
    parts = [
        part(
            str(n),
            T + n * HOUR_MS,
            *((f"c{n * m % 7}", "ZZ", T // HOUR_MS, m) for m in range(1, 6)),
        )
        for n in range(5)
    ]
    assert merge([parts[n] for n in order], limit=50) == merge(parts, limit=50)


def test_what_decayed_to_nothing_is_left_out() -> None:
    old = part("0", T, ("a", "ZZ", T // HOUR_MS, 4))
    assert merge([old], limit=10, as_of_ms=T + 365 * DAY_MS) == []
    assert merge([old], limit=10)[0].score == pytest.approx(4.0)
