"""What explanations and users without a slate read, from a real Postgres."""

from dataclasses import replace

import pytest

from agents.serving import flush_contents, flush_ranking_rules, flush_slates, flush_watch_states
from api.explain import by_slate, home_of, ranking_of
from domain.packed_ranking import unpacked
from domain.slates import build_slates
from infra.postgres.contents import ContentStore
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.postgres.ranking_rules import RankingRuleStore
from infra.postgres.slates import SlateStore
from infra.postgres.watch_states import WatchStateStore
from infra.settings import Settings
from schemas.api import Recommendations
from schemas.codec import decode, encode
from schemas.slate import PackedRanking, Slate, SlateRanking
from tests.component.api.fakes import FakeWorld, a_content, a_state
from tests.integration.test_postgres_serving import a_rule, a_slate, record
from tests.support import viewers as world
from topics.catalog import CONTENTS, RANKING_RULES, SLATES, WATCH_STATES


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


async def test_the_newest_titles_are_those_that_arrived_last(pool):
    contents = [
        a_content("film-1"), a_content("film-2"), a_content("film-1", title="changed"),
        a_content("film-3"), a_content("show", type="series"),
        a_content("e1", type="episode", series_id="show"), a_content("cut", version_of="film-1"),
    ]  # fmt: skip
    records = [record(CONTENTS, n, each) for n, each in enumerate(contents)]
    records.append(record(CONTENTS, 9, None, key="film-3"))
    await flush_contents(pool, records)
    store = ContentStore(pool)

    async def newest(limit):
        return [
            decode(CONTENTS.schema, body).content_id for body in await store.fetch_newest(limit)
        ]

    assert await newest(9) == ["show", "film-2", "film-1"]
    assert await newest(1) == ["show"]


async def test_how_a_slate_came_about_is_read_by_explanations_alone(pool):
    ranking = SlateRanking(
        age_max=99, candidates=2, sources=("cowatch",), terms=((1.0,),), because=({"seen": 1.0},),
        pool={"film-1": 1.0, "film-2": 0.5},
    )  # fmt: skip
    await flush_slates(
        pool, [record(SLATES, 0, a_slate(ranking=ranking)), record(SLATES, 1, a_slate("user-2"))]
    )
    store = SlateStore(pool)
    plain, explained = await store.fetch("user-1"), await store.fetch_with_ranking("user-1")
    assert plain.ranking is None
    assert explained._replace(ranking=None) == plain
    found = decode(SlateRanking, explained.ranking)
    assert found == ranking
    assert list(found.pool) == ["film-1", "film-2"]
    assert b"seen" not in explained.body
    packed = PackedRanking(
        age_max=99, candidates=2, sources=("cowatch",), terms=((1000,),), causes=("seen",),
        because=((0, 1000),), ranks=(1,), pool=("film-2",), drops=(-500,),
    )  # fmt: skip
    await flush_slates(pool, [record(SLATES, 2, a_slate(packed_ranking=packed))])
    explained = await store.fetch_with_ranking("user-1")
    assert (explained.ranking, decode(PackedRanking, explained.packed_ranking)) == (None, packed)
    assert ranking_of(explained, decode(Recommendations, explained.body)) == unpacked(
        packed, a_slate().entries
    )
    assert await store.fetch("user-1") == explained._replace(packed_ranking=None)
    assert (await store.fetch_with_ranking("user-2")).packed_ranking is None
    assert (await store.fetch_with_ranking("nobody")).body is None


async def test_ranking_rules_are_read_while_they_exist(pool):
    rules = [record(RANKING_RULES, n, a_rule(f"r{n % 2}", note=str(n))) for n in range(4)]
    rules.append(record(RANKING_RULES, 4, None, key="r1"))
    await flush_ranking_rules(pool, rules)
    found = await RankingRuleStore(pool).fetch(["r1", "r0", "r9"])
    assert found == await RankingRuleStore(pool).fetch_all() == [encode(a_rule("r0", note="2"))]


async def test_the_states_of_a_title_are_also_those_of_its_parts_and_versions(pool):
    contents = [
        a_content("show", type="series"),
        a_content("s1", type="season", series_id="show"),
        a_content("e1", type="episode", series_id="show"),
        a_content("e1-cut", type="episode", version_of="e1"),
        a_content("show-cut", type="series", version_of="show"),
        a_content("film", series_id="show"),  # a film of the franchise stands for itself
        a_content("circle-1", version_of="circle-2"),
        a_content("circle-2", version_of="circle-1"),
    ]
    await flush_contents(pool, [record(CONTENTS, n, each) for n, each in enumerate(contents)])
    states = [a_state(each.content_id, updated_at_ms=9 - n) for n, each in enumerate(contents)]
    states.append(a_state("e1", user_id="user-2"))
    await flush_watch_states(pool, [record(WATCH_STATES, n, each) for n, each in enumerate(states)])
    store = WatchStateStore(pool)

    async def of(content_id):
        found = await store.fetch_of_title("user-1", content_id)
        return [decode(WATCH_STATES.schema, body).content_id for body in found]

    assert await of("show") == ["show", "s1", "e1", "e1-cut", "show-cut"]
    assert await of("e1") == ["e1", "e1-cut"]
    assert await of("film") == ["film"]
    assert await of("circle-1") == ["circle-1", "circle-2"]
    assert await of("never-seen") == []


async def test_a_slate_that_was_made_and_stored_is_explained_title_by_title(pool):
    watcher = world.watchers(30)[25]
    (built,) = build_slates(world.ranker(), [watcher.viewer], world.SHAPE, world.NOW_MS)
    slate = decode(Slate, built.value)
    contents = world.contents()
    await flush_slates(pool, [record(SLATES, 0, slate)])
    await flush_contents(pool, [record(CONTENTS, n, each) for n, each in enumerate(contents)])
    states = [record(WATCH_STATES, n, each) for n, each in enumerate(watcher.states)]
    await flush_watch_states(pool, states)
    rules = [record(RANKING_RULES, n, each) for n, each in enumerate(world.rules())]
    await flush_ranking_rules(pool, rules)
    fakes = FakeWorld()
    async with fakes.open_services(fakes.settings) as services:
        services = replace(
            services, contents=ContentStore(pool), slates=SlateStore(pool),
            watch_states=WatchStateStore(pool), ranking_rules=RankingRuleStore(pool),
        )  # fmt: skip
        stored = await services.slates.fetch_with_ranking(slate.user_id)
        places = {entry.content_id: place for place, entry in enumerate(slate.entries, 1)}
        reasons = set()
        for content in contents:
            found = await by_slate(services, stored, content)
            home = await home_of(services, content)
            assert found["explained_content_id"] == home.content_id
            assert found.get("place") == places.get(home.content_id)
            assert ("reason" in found) == (home.content_id not in places)
            reasons.add(found.get("reason"))
    assert reasons >= {
        None, "part_of", "watched", "in_progress", "diversity", "rank", "not_available", "maturity",
        "filtered", "below_pool",
    }  # fmt: skip
