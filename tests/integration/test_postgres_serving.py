"""The serving sinks against a real Postgres: replays, order, tombstones, cleanup."""

import datetime
import random

import pytest

from agents.serving import (
    flush_content_features,
    flush_contents,
    flush_models,
    flush_neighbours,
    flush_ranking_rules,
    flush_slates,
    flush_trending,
    flush_watch_states,
)
from agents.spec import Record
from infra.postgres.contents import ContentStore
from infra.postgres.housekeeping import tidy
from infra.postgres.migrate import migrate
from infra.postgres.models import ModelStore
from infra.postgres.neighbours import NeighbourStore
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerExists, PartnerStore
from infra.postgres.pool import create_pool
from infra.postgres.slates import SlateStore
from infra.postgres.trending import TrendingStore
from infra.postgres.viewers import ViewerStore
from infra.postgres.watch_states import HistoryCursor, WatchStateStore, clean_rows
from infra.postgres.webhook_deliveries import Delivery, DeliveryStore, purge
from infra.security.sealing import Sealer
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content_features import ContentFeatures
from schemas.model_report import ModelReport
from schemas.neighbours import Neighbours
from schemas.ranking_rule import RankingRule
from schemas.slate import RowTitle, Slate, SlateEntry, SlateFeed, SlateRow
from schemas.times import DAY_MS
from schemas.trending import TrendingPartial
from tests.component.api.fakes import a_content, a_state
from tests.support.operators import CLI
from topics.catalog import (
    CONTENT_FEATURES,
    CONTENTS,
    MODELS,
    NEIGHBOURS,
    RANKING_RULES,
    SLATES,
    TRENDING,
    WATCH_STATES,
)

TABLES = (
    "contents",
    "watch_states",
    "viewers",
    "slates",
    "trending_partials",
    "neighbours",
    "models",
    "content_features",
    "ranking_rules",
)


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


def record(spec, offset, value, key=None):
    key = spec.key_of(value) if key is None else key.encode()
    return Record(spec.name, 0, offset, 0, key, None if value is None else encode(value))


async def dump(pool):
    async with pool.connection() as connection:
        found = {}
        for table in TABLES:
            rows = await (
                await connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
            ).fetchall()
            found[table] = rows
    return found


def a_slate(user_id="user-1", contents=("film-1",), **changes):
    entries = tuple(
        SlateEntry(
            content_id=name, score=1, recommendation_type="collaborative", based_on=(),
            explanation="x", generated_at_ms=1, ttl_s=1, model_version="m",
        )
        for name in contents
    )  # fmt: skip
    fields = {"as_of_ms": 5, "source_offset": 3, "generated_at_ms": 6, "model_version": "m"}
    return Slate(user_id=user_id, entries=entries, **{**fields, **changes})


def a_report(version):
    return ModelReport(
        name="completion", version=version, fitted_at_ms=5, fit_seconds=0.1, rows=9, converged=True,
        equation="logit P = 0", coefficients=({"name": "intercept", "value": 0.0},),
        metrics={"ece": 0.01},
    )  # fmt: skip


def features_of(content_id, version):
    return ContentFeatures(
        content_id=content_id, version=version, starts=2, completions=1, first_started_at_ms=1,
        completion_rate=0.5, completion_rate_low=0.1, completion_rate_high=0.9,
    )  # fmt: skip


def a_rule(rule_id="r", **changes):
    fields = {"action": "filter", "match": {"types": ["movie"]}}
    return RankingRule.model_validate({"rule_id": rule_id, **fields, **changes})


def history():
    """A small log of every topic: (flush, records in offset order)."""
    contents = [record(CONTENTS, n, a_content(f"film-{n % 3}", updated_at_ms=n)) for n in range(9)]
    contents.append(record(CONTENTS, 9, None, key="film-2"))
    states = [
        record(WATCH_STATES, n, a_state(f"film-{n % 4}", updated_at_ms=1000 + n, source_offset=n))
        for n in range(12)
    ]
    states.append(record(WATCH_STATES, 12, None, key="user-1|film-3"))
    slates = [record(SLATES, n, a_slate(f"user-{n % 2}", source_offset=n)) for n in range(6)]
    slates.append(record(SLATES, 6, None, key="user-1"))
    trending = [
        record(
            TRENDING, n, TrendingPartial(shard=str(n % 2), as_of_ms=n, half_life_ms=1, entries=())
        )
        for n in range(5)
    ]
    neighbours = [
        record(NEIGHBOURS, n, Neighbours(content_id="film-1", model_version=n, neighbours=()))
        for n in range(3)
    ]
    models = [record(MODELS, n, a_report(n)) for n in range(3)]
    features = [record(CONTENT_FEATURES, n, features_of(f"film-{n % 2}", n)) for n in range(4)]
    features.append(record(CONTENT_FEATURES, 4, None, key="film-1"))
    rules = [record(RANKING_RULES, n, a_rule(f"r{n % 2}", note=str(n))) for n in range(4)]
    rules.append(record(RANKING_RULES, 4, None, key="r1"))
    return [
        (flush_contents, contents), (flush_watch_states, states), (flush_slates, slates),
        (flush_trending, trending), (flush_neighbours, neighbours),
        (flush_models, models), (flush_content_features, features),
        (flush_ranking_rules, rules),
    ]  # fmt: skip


async def test_any_split_and_any_replay_gives_the_same_rows(pool):
    for flush, records in history():
        assert await flush(pool, records) == []
    once = await dump(pool)
    rng = random.Random(5)
    for _ in range(10):
        for flush, records in history():
            start = rng.randrange(len(records))  # a redelivery starts at some older offset
            for cut in range(start, len(records), 3):
                await flush(pool, records[cut : cut + 3])
        assert await dump(pool) == once


async def test_one_record_at_a_time_gives_the_same_rows_as_one_batch(pool):
    for flush, records in history():
        for item in records:
            await flush(pool, [item])
    apart = await dump(pool)
    async with pool.connection() as connection:
        await connection.execute(f"TRUNCATE {', '.join(TABLES)}")
    for flush, records in history():
        await flush(pool, records)
    assert await dump(pool) == apart


async def test_a_tombstone_stays_against_older_records_and_yields_to_newer_ones(pool):
    old, new = a_content("film-1", title="old"), a_content("film-1", title="new")
    store = ContentStore(pool)
    await flush_contents(pool, [record(CONTENTS, 1, old), record(CONTENTS, 2, None, key="film-1")])
    assert await store.fetch(["film-1"]) == {}
    assert await store.fetch_removed(["film-1", "never-announced"]) == {"film-1"}
    await flush_contents(pool, [record(CONTENTS, 1, old)])
    assert await store.fetch(["film-1"]) == {}
    await flush_contents(pool, [record(CONTENTS, 3, new)])
    assert await store.fetch(["film-1"]) == {"film-1": encode(new)}
    assert await store.fetch_removed(["film-1"]) == set()


async def test_what_cannot_be_read_is_rejected_and_the_rest_is_written(pool):
    good = record(CONTENTS, 2, a_content("film-1"))
    bad = [
        Record(CONTENTS.name, 0, 0, 0, b"film-2", b"not json"),
        Record(CONTENTS.name, 0, 1, 0, b"film-3", encode(a_content("film-4"))),
        Record(CONTENTS.name, 0, 3, 0, None, None),
        Record(CONTENTS.name, 0, 4, 0, b"\xff", None),
    ]
    rejects = await flush_contents(pool, [*bad, good])
    assert [reject.record for reject in rejects] == bad
    assert set(await ContentStore(pool).fetch(["film-1", "film-2", "film-3"])) == {"film-1"}


async def test_the_api_reads_what_was_written(pool):
    for flush, records in history():
        await flush(pool, records)
    contents, states = ContentStore(pool), WatchStateStore(pool)
    assert set(await contents.fetch(["film-0", "film-1", "film-2"])) == {"film-0", "film-1"}
    assert (await contents.fetch_facts(["film-0", "x"]))["film-0"].type == "movie"
    viewer = await ViewerStore(pool).fetch("user-1")
    assert (viewer.source_offset, viewer.as_of_ms) == (11, 1011)
    first = [decode_state(b) for b in await states.fetch_history("user-1", 2, None)]
    assert first == ["film-2", "film-1"]
    rest = await states.fetch_history("user-1", 9, HistoryCursor(1009, "film-1"))
    assert [decode_state(body) for body in rest] == ["film-0"]
    assert len(await TrendingStore(pool).fetch_partials()) == 2
    assert decode(Neighbours, await NeighbourStore(pool).fetch("film-1")).model_version == 2
    assert await NeighbourStore(pool).fetch("film-9") is None
    fitted = ModelStore(pool)
    assert await fitted.fetch_models() == [encode(a_report(2))]
    assert await fitted.fetch_features("film-0") == encode(features_of("film-0", 2))
    assert await fitted.fetch_features("film-1") is None


def decode_state(body):
    from schemas.watch_state import WatchState

    return decode(WatchState, body).content_id


async def test_a_slate_comes_with_its_removed_contents_and_what_is_included(pool):
    await flush_contents(
        pool,
        [
            record(CONTENTS, 0, a_content("film-1")),
            record(CONTENTS, 1, None, key="film-2"),
        ],
    )
    await flush_slates(pool, [record(SLATES, 0, a_slate(contents=("film-1", "film-2", "film-3")))])
    state = a_state(interaction_offset=4, recent_events=("aa", "bb"), source_offset=9)
    await flush_watch_states(pool, [record(WATCH_STATES, 0, state)])
    served = await SlateStore(pool).fetch("user-1")
    assert served.removed_ids == ("film-2",)
    assert (served.source_offset, served.interaction_offset) == (3, 4)
    assert served.recent_events == ("aa", "bb")
    unknown = await SlateStore(pool).fetch("nobody")
    assert unknown.body is None
    assert (unknown.source_offset, unknown.interaction_offset, unknown.as_of_ms) == (-1, -1, None)


async def test_the_rows_made_with_a_slate_are_read_by_the_feed_alone(pool):
    row = SlateRow(name="new_for_you", entries=(RowTitle(content_id="film-9", score=0.25),))
    slate = a_slate(rows=(row,), log_partition=3.5)
    await flush_slates(pool, [record(SLATES, 0, slate), record(SLATES, 1, a_slate("user-2"))])
    store = SlateStore(pool)
    plain, served = await store.fetch("user-1"), await store.fetch_with_feed("user-1")
    assert plain.feed is None
    assert served._replace(feed=None) == plain
    assert decode(SlateFeed, served.feed) == SlateFeed(rows=(row,), log_partition=3.5)
    assert b"film-9" not in served.body
    assert decode(SlateFeed, (await store.fetch_with_feed("user-2")).feed) == SlateFeed()
    assert (await store.fetch_with_feed("nobody")).feed is None


async def test_cleanup_takes_old_titles_from_the_row_and_keeps_them_in_history(pool):
    now_ms = 1000 * DAY_MS
    ages = {
        "finished-29": (29, True), "finished-31": (31, True), "begun-179": (179, False),
        "begun-181": (181, False),
    }  # fmt: skip
    records = [
        record(
            WATCH_STATES, n,
            a_state(name, updated_at_ms=now_ms - days * DAY_MS, completed=done, source_offset=n),
        )
        for n, (name, (days, done)) in enumerate(ages.items())
    ]  # fmt: skip
    await flush_watch_states(pool, records)
    assert await clean_rows(pool, now_ms, 30, 180) == 2
    assert await clean_rows(pool, now_ms, 30, 180) == 0
    await flush_watch_states(pool, records)  # a replay does not bring them back
    assert await in_row(pool) == {"finished-29", "begun-179"}
    assert len(await WatchStateStore(pool).fetch_history("user-1", 100, None)) == 4
    again = a_state("begun-181", updated_at_ms=now_ms, source_offset=9)
    await flush_watch_states(pool, [record(WATCH_STATES, 9, again)])
    assert await in_row(pool) == {"finished-29", "begun-179", "begun-181"}


async def test_cleanup_never_forgets_what_a_viewer_hid(pool):
    state = a_state("series-1", updated_at_ms=0, hidden=True)
    await flush_watch_states(pool, [record(WATCH_STATES, 0, state)])
    assert await clean_rows(pool, 1000 * DAY_MS, 30, 180) == 0


async def in_row(pool):
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT content_id FROM watch_states WHERE in_row")
        return {name for (name,) in await cursor.fetchall()}


async def test_partners_keep_several_secrets_and_rotate_them(pool):
    now = [1000]
    sealer = Sealer("")
    store = PartnerStore(pool, sealer, lambda: now[0])
    await store.create(CLI, NewPartner("acme", "generic"), [Key(SECRET, b"first")])
    with pytest.raises(PartnerExists):
        await store.create(CLI, NewPartner("acme", "generic"), [Key(SECRET, b"other")])
    await store.rotate(CLI, "acme", Key(SECRET, b"second"), overlap_ms=500)
    assert (await store.find("acme")).keyring.secrets == (b"second", b"first")
    now[0] = 1501
    assert (await store.find("acme")).keyring.secrets == (b"second",)
    assert [item.partner for item in await store.list_all()] == ["acme"]
    assert await store.find("nobody") is None


async def test_deliveries_are_known_by_id_and_forgotten_after_a_week(pool):
    store = DeliveryStore(pool)
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    first = Delivery("acme", "m1", b"a" * 32, "e1", "content_added", at, at)
    assert (await store.reserve(first)).accepted is False
    store.accept("acme", "m1")
    await store.close()
    known = await store.reserve(first._replace(body_sha256=b"b" * 32))
    assert known == (b"a" * 32, True, False)
    assert await store.find("acme", "m2", at) is None
    week_ms = int(at.timestamp() * 1000) + 7 * DAY_MS
    assert await purge(pool, week_ms) == 0
    assert await purge(pool, week_ms + 1) == 1
    assert await store.find("acme", "m1", at) is None


async def test_housekeeping_runs_both_cleanups_and_again_without_effect(pool):
    now_ms = 1000 * DAY_MS
    await flush_watch_states(pool, [record(WATCH_STATES, 0, a_state(updated_at_ms=0))])
    store = DeliveryStore(pool)
    at = datetime.datetime.fromtimestamp(0, datetime.UTC)
    await store.reserve(Delivery("acme", "m1", b"a" * 32, "e1", "content_added", at, at))
    assert await tidy(pool, Settings(), now_ms) == (1, 1, 0)
    assert await tidy(pool, Settings(), now_ms) == (0, 0, 0)
