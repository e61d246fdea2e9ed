"""The trending agent: exact counts under redelivery, lateness and restarts; coalesced emission."""

import random

import orjson

from agents.trending import CLOCK_SKEW_MAX_MS, EMIT_INTERVAL_MS, HEADER, SPEC
from domain.trending import HOUR_MS, WINDOW_HOURS
from schemas.interaction import Interaction
from tests.support.driving import Driver
from topics.catalog import TRENDING

T = 480_000 * HOUR_MS


def started(offset: int, content: str, at_ms: int = T, **fields) -> Interaction:
    return Interaction.model_validate(
        {
            "interaction_id": f"i{offset}", "user_id": f"u{offset}", "content_id": content,
            "kind": "started", "epoch": 0, "progress": 0.0, "occurred_at_ms": at_ms,
            "event_id": f"e{offset}", "source_offset": offset,
        }
        | fields
    )  # fmt: skip


def viewers(driver: Driver, partition: int = 0) -> dict[tuple[str, str], int]:
    value = driver.latest()[str(partition)]
    assert value is not None
    entries = orjson.loads(value)["entries"]
    return {(entry["content_id"], entry["region"]): entry["viewers"] for entry in entries}


def test_counts_unique_viewers_per_region() -> None:
    driver = Driver(SPEC)
    outcome = driver.feed(
        [
            started(1, "a", region="DE"),
            started(2, "a", region="DE"),
            started(3, "a"),
            started(4, "b"),
            started(5, "b", kind="rewatched", epoch=1),
            started(6, "b", kind="started", epoch=1),
            started(7, "b", kind="progressed", decile=3),
        ],
        partition=5,
    )
    assert outcome.applied == 7
    (emit,) = driver.tick(10_000)
    assert (emit.topic, emit.key) == (TRENDING, b"5")
    assert viewers(driver, 5) == {("a", "DE"): 2, ("a", "ZZ"): 1, ("b", "ZZ"): 1}


def test_redelivery_and_reemission_count_once() -> None:
    driver = Driver(SPEC)
    batch = [started(1, "a"), started(2, "a", ordinal=0), started(2, "b", ordinal=1)]
    driver.feed(batch)
    before = driver.contents()
    driver.restart()
    again = driver.feed(batch, offset=10)
    assert (again.applied, again.deduplicated) == (0, 3)
    assert driver.contents() == before


def test_batching_and_restarts_do_not_change_the_bytes() -> None:
    rng = random.Random(3)
    events = [
        started(
            n, f"c{rng.randrange(20)}", T + rng.randrange(0, 15 * 24) * HOUR_MS,
            user_id=f"u{rng.randrange(40)}",
        )
        for n in range(300)
    ]  # fmt: skip
    whole = Driver(SPEC)
    whole.feed(events)
    pieces = Driver(SPEC)
    position = 0
    while position < len(events):
        size = rng.randrange(1, 40)
        pieces.feed(events[position : position + size])
        position += size
        if rng.random() < 0.3:
            pieces.restart()
            pieces.tick(position * 10_000)
    assert pieces.contents() == whole.contents()
    pieces.tick(10**9)
    whole.tick(0)
    assert pieces.latest() == whole.latest()


def test_buckets_behind_the_window_are_dropped_and_late_ones_not_taken() -> None:
    driver = Driver(SPEC)
    driver.feed([started(1, "old"), started(2, "kept", T + HOUR_MS)])
    driver.feed([started(3, "new", T + WINDOW_HOURS * HOUR_MS)])
    driver.feed([started(4, "late", T)])
    assert set(driver.contents()) == {HEADER, "kept|ZZ", "new|ZZ", "u2", "u3"}


def test_a_batch_writes_only_what_it_touches() -> None:
    driver = Driver(SPEC)
    driver.feed([started(n, f"c{n}") for n in range(50)])
    driver.tables[0].take_dirty()
    driver.feed([started(99, "c7")])
    assert set(driver.tables[0].take_dirty()) == {HEADER, "c7|ZZ", "u99"}


def test_emits_at_most_once_in_an_interval_and_only_changes() -> None:
    driver = Driver(SPEC)
    driver.feed([started(1, "a")])
    assert len(driver.tick(1000)) == 1
    driver.feed([started(2, "a")])
    assert driver.tick(1000 + EMIT_INTERVAL_MS - 1) == []
    assert len(driver.tick(1000 + EMIT_INTERVAL_MS)) == 1
    assert driver.tick(1000 + 9 * EMIT_INTERVAL_MS) == []


def test_after_a_restart_the_shard_is_emitted_once() -> None:
    driver = Driver(SPEC)
    driver.feed([started(1, "a")])
    driver.restart()
    assert len(driver.tick(0)) == 1
    assert viewers(driver) == {("a", "ZZ"): 1}
    assert driver.tick(EMIT_INTERVAL_MS) == []


def test_a_tick_emits_one_shard_and_the_longest_waiting_first() -> None:
    driver = Driver(SPEC)
    for partition in (2, 0, 1):
        driver.feed([started(partition, "a")], partition=partition)
    keys = [[emit.key for emit in driver.tick(now)] for now in (0, 1, 2, 3)]
    assert keys == [[b"0"], [b"1"], [b"2"], []]
    for partition in (0, 1, 2):
        driver.feed([started(10 + partition, "b")], partition=partition)
    assert [emit.key for emit in driver.tick(EMIT_INTERVAL_MS + 2)] == [b"0"]


def test_a_clock_that_runs_ahead_does_not_empty_the_window() -> None:
    driver = Driver(SPEC)
    ahead = started(2, "ahead", T + 9999 * HOUR_MS)
    driver.feed([started(1, "a"), ahead, started(3, "b")], timestamp_ms=T)
    driver.tick(0)
    assert set(viewers(driver)) == {("a", "ZZ"), ("ahead", "ZZ"), ("b", "ZZ")}
    value = driver.latest()["0"]
    assert value is not None
    assert orjson.loads(value)["as_of_ms"] == T + CLOCK_SKEW_MAX_MS
