"""The slates agent: leading edge, coalescing, crash safety, replicas."""

import numpy as np
import orjson
import pytest
from prometheus_client import REGISTRY

from agents.intake import REBUILD_INTERVAL_MS, ROWS_PER_TICK, TABLE_OF
from agents.slates import LIVE_BATCH_MAX, SPEC, USERS_PER_CALL
from agents.weights import record_of as weights_record
from domain.evidence import PROGRESS_MIN
from domain.sources.registry import first_model
from infra.settings import Settings
from schemas.interaction import Interaction
from schemas.neighbours import Neighbour, Neighbours
from schemas.title_statistics import TitleStatistics
from tests.support.driving import Driver, record_of
from tests.support.ranking import interaction, model_of, title, trending
from topics.catalog import (
    CONTENTS,
    NEIGHBOURS,
    NEXT_TITLES,
    SLATES,
    TITLE_STATISTICS,
    TOGETHER,
    TRENDING,
    VALUE_MODELS,
)
from topics.spec import TopicSpec

SETTINGS = Settings(slate_size=5, slate_refresh_ms=250)
MODEL = model_of({"cowatch": 1.0, "trending": 0.5})


def done(offset: int, user: str, content: str, **fields: object) -> Interaction:
    return interaction(offset, user_id=user, content_id=content, **fields)


def row(title: str, **weights: float) -> Neighbours:
    return Neighbours(
        content_id=title,
        model_version=3,
        neighbours=tuple(Neighbour(content_id=k, weight=v) for k, v in weights.items()),
    )


def load(driver: Driver) -> None:
    contents = [title(each) for each in "abcdefg"]
    rows = [row("a", b=0.5, c=0.25), row("b", d=0.5)]
    weights = [weights_record(MODEL)]
    for topic, models in (
        (CONTENTS, contents), (TRENDING, [trending({"g": 1.0})]), (NEIGHBOURS, rows),
        (VALUE_MODELS, weights),
    ):  # fmt: skip
        driver.step.on_replica(topic, [record_of(topic, model) for model in models])


def ready() -> Driver:
    driver = Driver(SPEC, SETTINGS)
    load(driver)
    return driver


def ids(value: bytes | None) -> list[str]:
    assert value is not None
    return [entry["content_id"] for entry in orjson.loads(value)["entries"]]


def test_the_first_interaction_is_answered_at_once() -> None:
    driver = ready()
    outcome = driver.feed([done(7, "u", "a")], partition=3, now_ms=5000)
    (emit,) = outcome.emits
    assert (emit.topic, emit.key, emit.partition) == (SLATES, b"u", 3)
    assert ids(emit.value) == ["b", "c", "g"]
    slate = orjson.loads(emit.value or b"")
    assert slate["source_offset"] == 7
    assert slate["generated_at_ms"] == 5000


def test_a_users_slates_are_at_least_the_refresh_time_apart_and_the_last_includes_all() -> None:
    driver = ready()
    driver.feed([done(1, "u", "a")], now_ms=5000)
    assert driver.feed([done(2, "u", "b")], now_ms=5100).emits == []
    assert driver.feed([done(3, "u", "c")], now_ms=5200).emits == []
    assert driver.tick(5249) == []
    (emit,) = driver.tick(5250)
    slate = orjson.loads(emit.value or b"")
    assert (slate["source_offset"], slate["newest_event_id"]) == (3, "e3")
    assert set(ids(emit.value)) == {"d", "g"}
    assert driver.tick(9000) == []


def test_redelivery_keeps_the_profile_and_repeats_the_slate() -> None:
    driver = ready()
    events = [done(1, "u", "a"), done(2, "u", "b", kind="hidden"), done(3, "v", "a")]
    driver.feed(events, now_ms=5000)
    before, slates = driver.contents(), driver.latest()
    driver.step = SPEC.create_step(SETTINGS)
    load(driver)
    again = driver.feed(events, offset=9, now_ms=5000)
    assert (again.applied, again.deduplicated) == (0, 3)
    assert driver.contents() == before
    assert driver.latest() == slates


def test_users_that_were_waiting_at_a_crash_get_their_slate() -> None:
    driver = ready()
    driver.feed([done(1, "u", "a"), done(2, "v", "a")], now_ms=5000)
    driver.feed([done(3, "u", "b")], now_ms=5001)
    driver.step = SPEC.create_step(SETTINGS)
    load(driver)
    (emit,) = driver.tick(6000)
    assert emit.key == b"u"
    assert orjson.loads(emit.value or b"")["source_offset"] == 3
    assert driver.tick(7000) == []


def test_a_revoked_partition_is_read_again_from_its_table() -> None:
    driver = ready()
    driver.feed([done(1, "u", "a")], now_ms=5000)
    driver.feed([done(2, "u", "b")], now_ms=5001)
    driver.step.on_revoked([0])
    assert [emit.key for emit in driver.tick(6000)] == [b"u"]


def test_many_users_are_scored_in_bounded_portions_and_nobody_is_forgotten() -> None:
    driver = ready()
    for partition in range(3):
        users = [done(n, f"u{partition}-{n}", "a") for n in range(150)]
        driver.feed(users, partition=partition, now_ms=5000)
    now_ms = 5000
    while emits := driver.tick(now_ms):
        assert len(emits) <= USERS_PER_CALL
        now_ms += 20
    assert len(driver.latest()) == 450
    assert len(driver.emits) == 450


def test_a_backlog_is_taken_in_before_its_slates_are_built() -> None:
    driver = ready()
    backlog = [done(n, f"u{n % 10}", "a") for n in range(LIVE_BATCH_MAX + 1)]
    assert driver.feed(backlog, now_ms=5000).emits == []
    assert len(driver.tick(5000)) == 10


def test_removed_content_enters_no_new_slate() -> None:
    driver = ready()
    driver.feed([done(1, "u", "a")], now_ms=5000)
    tombstone = record_of(CONTENTS, None)._replace(key=b"b")
    driver.step.on_replica(CONTENTS, [tombstone])
    (emit,) = driver.feed([done(2, "u", "g", kind="started", progress=0.0)], now_ms=6000).emits
    assert ids(emit.value) == ["c"]


@pytest.mark.parametrize(
    ("topic", "source"),
    [(NEIGHBOURS, "cowatch"), (TOGETHER, "together"), (NEXT_TITLES, "next_title")],
)
def test_a_refit_is_taken_in_over_ticks_and_then_counts(topic: TopicSpec, source: str) -> None:
    assert topic.name in TABLE_OF
    driver = ready()
    weights = weights_record(model_of({source: 1.0, "trending": 0.001}))
    driver.step.on_replica(VALUE_MODELS, [record_of(VALUE_MODELS, weights)])
    driver.step.on_replica(topic, [record_of(topic, row("a", c=0.25))])
    driver.feed([done(1, "u", "a")], now_ms=5000)
    filler = [row(f"x{n}", b=0.1) for n in range(ROWS_PER_TICK)]
    new = [*filler, row("a", e=0.9)]
    driver.step.on_replica(topic, [record_of(topic, each) for each in new])
    driver.tick(6000)
    (before,) = driver.feed([done(2, "v", "a")], now_ms=6001).emits
    assert "e" not in ids(before.value)
    driver.tick(6020)
    (after,) = driver.feed([done(3, "w", "a")], now_ms=6021).emits
    assert ids(after.value) == ["e", "g"]
    gone = record_of(topic, None)._replace(key=b"a")
    driver.step.on_replica(topic, [gone])
    driver.tick(6040)
    (last,) = driver.feed([done(4, "x", "a")], now_ms=6041).emits
    assert ids(last.value) == ["g"]


def test_what_arrived_before_the_first_slate_counts_in_it_whatever_its_size() -> None:
    driver = Driver(SPEC, SETTINGS)
    load(driver)
    filler = [row(f"x{n}", b=0.1) for n in range(3 * ROWS_PER_TICK)]
    rows = [*filler, row("a", e=0.9)]
    driver.step.on_replica(NEIGHBOURS, [record_of(NEIGHBOURS, each) for each in rows])
    (first,) = driver.feed([done(1, "u", "a")], now_ms=5000).emits
    assert ids(first.value) == ["e", "g"]  # 0.9 / 1 before 0.5


def test_weights_and_statistics_count_once_they_arrive() -> None:
    driver = ready()
    driver.feed([done(1, "u", "a")], now_ms=5000)
    found = TitleStatistics(
        content_id="f", viewers=3, likes=2, first_at_ms=0, as_of_ms=10, decayed=(1.0, 2.0, 3.0)
    )
    driver.step.on_replica(TITLE_STATISTICS, [record_of(TITLE_STATISTICS, found)])
    loving = model_of({"like_rate": 1.0})
    loving.learned = 12
    driver.step.on_replica(VALUE_MODELS, [record_of(VALUE_MODELS, weights_record(loving))])
    (emit,) = driver.feed([done(2, "v", "a")], now_ms=5001).emits
    slate = orjson.loads(emit.value or b"")
    assert slate["model_version"] == "cowatch-3.value-12"
    scores = {entry["content_id"]: entry["score"] for entry in slate["entries"]}
    assert scores == {"f": round(4 / 7, 6), "g": 0.5}  # (likes + 2) / (viewers + 4)


def test_sources_unknown_to_the_weights_keep_theirs() -> None:
    older = first_model()
    older.weights[:] = 3.0
    record = weights_record(older)
    record = record.model_copy(update={"sources": record.sources[1:]})
    driver = ready()
    mine = driver.step._ranker.model.weights[:, 0].copy()
    driver.step.on_replica(VALUE_MODELS, [record_of(VALUE_MODELS, record)])
    weights = driver.step._ranker.model.weights
    assert np.array_equal(weights[:, 0], mine)
    assert (weights[:, 1:] == 3.0).all()


def test_entries_are_counted_by_type() -> None:
    def counted(kind: str) -> float:
        return REGISTRY.get_sample_value("mg_slate_entries_total", {"type": kind}) or 0.0

    before = {kind: counted(kind) for kind in ("trending", "collaborative")}
    ready().feed([done(1, "u", "a")], now_ms=5000)
    assert counted("trending") - before["trending"] == 1
    assert counted("collaborative") - before["collaborative"] == 2


def test_trending_is_merged_anew_at_most_once_in_an_interval() -> None:
    driver = ready()
    driver.tick(5000)
    stranger = {"kind": "started", "progress": PROGRESS_MIN / 2}
    (old,) = driver.feed([done(1, "u", "z", **stranger)], now_ms=5001).emits
    driver.step.on_replica(TRENDING, [record_of(TRENDING, trending({"f": 1.0}))])
    driver.tick(5000 + REBUILD_INTERVAL_MS - 1)
    (same,) = driver.feed(
        [done(2, "v", "z", **stranger)], now_ms=5000 + REBUILD_INTERVAL_MS - 1
    ).emits
    driver.tick(5000 + REBUILD_INTERVAL_MS)
    (new,) = driver.feed([done(3, "w", "z", **stranger)], now_ms=5000 + REBUILD_INTERVAL_MS).emits
    assert (ids(old.value), ids(same.value), ids(new.value)) == (["g"], ["g"], ["f"])


def test_an_episode_that_trends_before_its_series_is_known_counts_for_it_later() -> None:
    driver = ready()
    driver.tick(5000)
    part = trending({"e1": 5.0}, shard="1")
    driver.step.on_replica(TRENDING, [record_of(TRENDING, part)])
    found = []
    contents = (title("e1", "episode", series_id="show"), title("show", "series"))
    for number, content in enumerate(contents):
        driver.step.on_replica(CONTENTS, [record_of(CONTENTS, content)])
        now_ms = 5000 + REBUILD_INTERVAL_MS * (number + 1)
        driver.tick(now_ms)
        (emit,) = driver.feed([done(number, f"u{number}", "z")], now_ms=now_ms).emits
        found.append(ids(emit.value))
    assert found == [["g"], ["show", "g"]]
    (begun,) = driver.feed(
        [done(9, "v", "e1", kind="started", progress=0.0)], now_ms=now_ms + 1
    ).emits
    assert ids(begun.value) == ["g"]
