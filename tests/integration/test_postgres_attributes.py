"""Attributes in a real Postgres: counts under any order of records, and the ranking in SQL."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from agents.serving import flush_contents
from agents.spec import Record
from cli.demo.catalogues import content_id_of, load_films
from cli.demo.movielens import MOVIELENS_DIRECTORY, with_keywords
from domain.catalogue.mappers.film_catalogue import film_catalogue
from domain.sources.attributes import AttributeIndex
from domain.title_attributes import KINDS, attributes_of
from infra.postgres.attributes import SHARED_MAX, AttributeStore, counted, value_key
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content import Content
from tests.component.api.fakes import a_content
from topics.catalog import CONTENTS

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MEDIA_GATEWAY_DATA") or ROOT.parent / "shared" / "data")
BATCH = 500
SAMPLE = 60  # titles of each kind


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


def record(offset, content, key=None):
    value = None if content is None else encode(content)
    return Record(CONTENTS.name, 0, offset, 0, (key or content.content_id).encode(), value)


async def fetch(pool, query):
    async with pool.connection() as connection:
        return await (await connection.execute(query)).fetchall()


async def check_counts(pool, contents):
    """Counts and sets are those of ``contents``, and nothing else is kept."""
    counts, sets = Counter(), Counter()
    for content in contents:
        for kind, values in attributes_of(content).items():
            members = tuple(value_key(kind, value) for value in values)
            sets[members] += 1
            counts.update(counted(kind, members))
    assert dict(await fetch(pool, "SELECT * FROM attribute_counts")) == counts
    kept = await fetch(pool, "SELECT members, titles FROM attribute_sets")
    assert {tuple(members): titles for members, titles in kept} == sets
    named = await fetch(
        pool, "SELECT members, count(*) FROM content_attributes"
        " JOIN attribute_sets USING (set_key) GROUP BY members",
    )  # fmt: skip
    assert {tuple(members): titles for members, titles in named} == sets


async def test_counts_follow_updates_removals_and_any_redelivery(pool):
    rng = random.Random(7)
    names = ["Drama", "Comedy", "War", "Nolan", " NOLAN ", "Zoë"]
    log = []
    for offset in range(120):
        key = f"film-{rng.randrange(12)}"
        content = None
        if rng.random() < 0.8:
            content = a_content(
                key, genres=tuple(rng.sample(names, rng.randrange(3))),
                cast=tuple(rng.sample(names, rng.randrange(4))),
                type=rng.choice(["movie", "movie", "series", "episode"]),
                version_of=rng.choice([None, None, None, "film-0"]),
            )  # fmt: skip
        log.append(record(offset, content, key))
    newest = {}
    for start in range(0, len(log), 7):
        again = rng.randrange(start + 1)  # a redelivery starts at some older offset
        await flush_contents(pool, log[again : start + 7])
        await flush_contents(pool, log[again : again + 2])  # old records alone change nothing
        newest |= {item.key: item.value for item in log[start : start + 7]}
        await check_counts(pool, [decode(Content, value) for value in newest.values() if value])


async def test_nothing_is_kept_of_titles_that_were_removed(pool):
    await flush_contents(pool, [record(0, a_content("film-1", genres=("Drama",)))])
    await flush_contents(pool, [record(1, None, "film-1")])
    for table in ("content_attributes", "attribute_sets", "attribute_counts"):
        assert await fetch(pool, f"SELECT * FROM {table}") == []
    assert await AttributeStore(pool).fetch_similar("genre", "film-1", ["drama"], 5) == []


async def test_only_whole_titles_are_found_best_first_ties_by_id(pool):
    films = [
        a_content("b", genres=("Drama",)), a_content("a", genres=("DRAMA",)),
        a_content("B", genres=("Drama",)), a_content("asked", genres=("Drama",)),
        a_content("war", genres=("Drama", "War")),
        a_content("cut", genres=("Drama",), version_of="b"),
        a_content("pilot", genres=("Drama",), type="episode", series_id="show"),
        a_content("show", genres=("Drama",), type="series"),
    ]  # fmt: skip
    await flush_contents(pool, [record(offset, film) for offset, film in enumerate(films)])
    rows = await AttributeStore(pool).fetch_similar("genre", "asked", ["drama"], 10)
    assert [row.content_id for row in rows] == ["B", "a", "b", "show", "war"]  # by code point
    assert [row.score for row in rows[:4]] == [1.0] * 4
    assert 0 < rows[4].score < 1
    assert (rows[0].title, rows[0].shared) == ("Title of B", ["drama"])
    few = await AttributeStore(pool).fetch_similar("genre", "asked", ["drama"], 2)
    assert few == rows[:2]


@pytest.fixture(scope="module")
def films():
    """The demo's films, with themes where MovieLens is at hand."""
    pytest.importorskip("bokeh_sampledata", reason="install the extra `demo`")
    contents = {}
    for film in with_keywords(load_films(), DATA):
        content_id = content_id_of(film)
        contents[content_id] = a_content(content_id, **film_catalogue(film.payload).fields)
    return contents


async def test_the_ranking_in_sql_is_that_of_the_domain_on_all_films(pool, films):
    log = [record(offset, film) for offset, film in enumerate(films.values())]
    for start in range(0, len(log), BATCH):
        await flush_contents(pool, log[start : start + BATCH])
    await check_counts(pool, films.values())
    store, ids, rng = AttributeStore(pool), list(films), random.Random(11)
    for kind in KINDS:
        values = [attributes_of(film).get(kind, ()) for film in films.values()]
        index = AttributeIndex(ids)
        for title, own in enumerate(values):
            index.put(title, own)
        asked = [title for title, own in enumerate(values) if own]
        if kind == "themes" and not (DATA / MOVIELENS_DIRECTORY / "tags.csv").is_file():
            assert asked == []
            continue
        for title in rng.sample(asked, SAMPLE):
            limit = rng.choice([1, 5, 20, 100])
            rows = await store.fetch_similar(kind, ids[title], values[title], limit)
            expected = index.similar(title, limit)
            assert [(r.content_id, r.score) for r in rows] == [
                (ids[e.title], e.score) for e in expected
            ]
            shared = [index.shared(title, e.title)[:SHARED_MAX] for e in expected]
            assert [row.shared for row in rows] == shared
