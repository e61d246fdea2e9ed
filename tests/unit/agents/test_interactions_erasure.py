"""An erasure as readers of interactions see it: trending counts and slates without the viewer."""

import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import slates, trending
from domain.trending import HOUR_MS, WINDOW_HOURS, merge
from domain.viewer_profile import decode_profile
from schemas.codec import decode
from schemas.interaction import Interaction
from schemas.trending import TrendingPartial
from tests.support.driving import Driver
from topics.catalog import SLATES

T = 480_000 * HOUR_MS
LAST_OFFSET = 10_000


def told(offset: int, user: str, kind: str = "started", **fields) -> Interaction:
    return Interaction.model_validate(
        {
            "interaction_id": f"i{offset}", "user_id": user, "content_id": "a", "kind": kind,
            "epoch": 0, "progress": 0.5, "occurred_at_ms": T, "event_id": f"e{offset}",
            "source_offset": offset,
        }
        | fields
    )  # fmt: skip


STARTS = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from(["DE", "FR", None]),
        st.integers(0, 2 * WINDOW_HOURS), st.sampled_from(["ann", "bob", "eve"]),
    ),
    max_size=40,
)  # fmt: skip


def partial_of(driver: Driver) -> TrendingPartial:
    (emit,) = driver.tick(10**12)
    return decode(TrendingPartial, emit.value)


@given(STARTS, st.integers(0, 40), st.integers(1, 7))
@settings(max_examples=100)
def test_trending_without_the_viewer_is_trending_that_never_had_the_viewer(starts, place, size):
    stream = [
        told(n, user, content_id=title, region=region, occurred_at_ms=T + hour * HOUR_MS)
        for n, (title, region, hour, user) in enumerate(starts)
    ]
    # The newest event is of somebody else, so both have the same clock at the end.
    last = told(LAST_OFFSET, "ann", occurred_at_ms=T + 3 * WINDOW_HOURS * HOUR_MS)
    erased = told(place, "eve", "erased", content_id="all-titles", ordinal=9)
    kept = [each for each in stream if each.user_id != "eve" or each.source_offset > place]
    found, never = Driver(trending.SPEC), Driver(trending.SPEC)
    whole = [*stream[: place + 1], erased, *stream[place + 1 :], last]
    for start in range(0, len(whole), size):
        found.feed(whole[start : start + size])
    never.feed([*kept, last])
    late = [hour for title, _, hour, user in starts if user != "eve"]
    if late and max(late) >= max((hour for _, _, hour, user in starts), default=0):
        assert counts_of(found) == counts_of(never)
    assert "eve" not in str(partial_of(found))
    assert ("eve" in found.contents()) == ("eve" in never.contents())


def counts_of(driver: Driver):
    return {
        key: value
        for key, value in driver.contents().items()
        if key != trending.HEADER and "|" in key
    }


def test_trending_emits_the_corrected_list() -> None:
    driver = Driver(trending.SPEC)
    driver.feed([told(1, "ann"), told(2, "eve"), told(3, "eve", content_id="b", region="DE")])
    assert [(each.content_id, each.viewers) for each in partial_of(driver).entries] == [
        ("a", 2), ("b", 1),
    ]  # fmt: skip
    driver.restart()
    erased = told(4, "eve", "erased")
    driver.feed([erased])
    (emit,) = driver.tick(10**13)
    part = decode(TrendingPartial, emit.value)
    assert [(title.content_id, title.viewers) for title in merge([part], limit=9)] == [("a", 1)]
    assert "eve" not in driver.contents()
    assert driver.feed([erased]).deduplicated == 1


def test_an_erased_profile_and_slate_are_gone_and_whoever_comes_back_is_new() -> None:
    driver = Driver(slates.SPEC)
    driver.feed([told(1, "eve"), told(1, "eve", "completed", ordinal=1), told(2, "ann")])
    assert driver.latest()["eve"] is not None
    before = driver.contents()["ann"]
    driver.feed([told(3, "eve", "erased", content_id="all-titles")])
    assert driver.latest()["eve"] is None
    assert driver.contents() == {"ann": before}
    driver.feed([told(4, "eve", content_id="b", occurred_at_ms=T + 9)], now_ms=10_000)
    assert list(decode_profile(driver.contents()["eve"][1:]).titles) == ["b"]
    slate = driver.latest()["eve"]
    assert slate is not None
    assert orjson.loads(slate)["source_offset"] == 4


@pytest.mark.parametrize("between", [True, False])
def test_a_repeated_erasure_does_not_touch_the_new_profile(between) -> None:
    driver = Driver(slates.SPEC)
    erased, back = told(3, "eve", "erased"), told(4, "eve", content_id="b")
    first = [told(1, "eve"), erased, back]
    driver.feed(first)
    before = driver.contents()["eve"]
    driver.feed([told(1, "eve"), erased] if between else [erased], now_ms=10_000)
    driver.tick(20_000)
    assert decode_profile(driver.contents()["eve"][1:]) == decode_profile(before[1:])
    assert driver.latest()["eve"] is not None


def test_a_waiting_slate_of_an_erased_user_is_not_made() -> None:
    rng = random.Random(1)
    driver = Driver(slates.SPEC)
    crowd = [told(n, f"u{rng.randrange(300)}") for n in range(400)]
    driver.feed([*crowd, told(500, "eve")])
    driver.feed([told(501, "eve", "erased")])
    for now in range(0, 60_000, 1000):
        driver.tick(now)
    assert driver.latest()["eve"] is None
    assert sum(emit.topic is SLATES and emit.key == b"eve" for emit in driver.emits) == 1
