"""The embeddings sink and the nearest titles, against a real Postgres with pgvector."""

import numpy as np
import pytest

from agents.serving import flush_contents, flush_embeddings
from domain.embedding import pack
from infra.postgres.embeddings import EmbeddingStore
from schemas.embedding import DIMENSIONS, Embedding
from tests.component.api.fakes import a_content
from tests.integration.test_postgres_serving import pool, record  # noqa: F401 -- a fixture
from topics.catalog import CONTENTS, EMBEDDINGS


def a_row(content_id, vector, encoder="encoder-1"):
    return Embedding(
        content_id=content_id, encoder=encoder, text_hash="0" * 32, vector=pack(vector)
    )


def at(degrees):
    """A unit vector in the plane of the first two coordinates."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vector


async def write(pool, vectors, encoder="encoder-1", start=0):  # noqa: F811
    """Post contents and embeddings named as the keys of ``vectors``."""
    offsets = list(enumerate(vectors.items(), start=start))
    contents = [record(CONTENTS, n, a_content(name)) for n, (name, _) in offsets]
    rows = [record(EMBEDDINGS, n, a_row(name, vector, encoder)) for n, (name, vector) in offsets]
    assert await flush_contents(pool, contents) == []
    assert await flush_embeddings(pool, rows) == []


async def names(pool, content_id, limit=10):  # noqa: F811
    found = await EmbeddingStore(pool).nearest(content_id, limit)
    return [name for name, _, _ in found.titles]


async def test_the_nearest_come_first_with_their_cosine_and_without_the_title(pool):  # noqa: F811
    await write(pool, {"a": at(0), "far": at(180), "b": at(60), "c": at(30), "d": at(-30)})
    found = await EmbeddingStore(pool).nearest("a", 3)
    assert found.encoder == "encoder-1"
    assert [(name, title) for name, title, _ in found.titles] == [
        ("c", "Title of c"), ("d", "Title of d"), ("b", "Title of b"),
    ]  # fmt: skip
    scores = [score for _, _, score in found.titles]
    np.testing.assert_allclose(scores, np.cos(np.radians([30, 30, 60])), atol=1e-3)
    assert await names(pool, "a") == ["c", "d", "b", "far"]


async def test_what_is_removed_or_of_another_encoder_is_not_near(pool):  # noqa: F811
    await write(pool, {name: at(n) for n, name in enumerate("abcde")})
    await write(pool, {"other": at(0)}, encoder="encoder-2", start=5)
    await flush_contents(pool, [record(CONTENTS, 9, None, key="b")])
    await flush_embeddings(pool, [record(EMBEDDINGS, 9, None, key="c")])
    assert await names(pool, "a") == ["d", "e"]
    assert await names(pool, "other") == []
    assert await EmbeddingStore(pool).nearest("c", 5) is None
    assert await EmbeddingStore(pool).nearest("unknown", 5) is None


async def test_a_replay_changes_nothing_and_a_tombstone_stays(pool):  # noqa: F811
    await write(pool, {"a": at(0), "b": at(10), "c": at(20)})
    log = [
        record(EMBEDDINGS, 3, a_row("b", at(90))),
        record(EMBEDDINGS, 4, None, key="c"),
        record(EMBEDDINGS, 5, a_row("b", at(5))),
    ]
    await flush_embeddings(pool, log)
    before = await EmbeddingStore(pool).nearest("a", 5)
    assert [name for name, _, _ in before.titles] == ["b"]
    for start in range(3):
        await flush_embeddings(pool, log[start : start + 1])
    await flush_embeddings(pool, [record(EMBEDDINGS, 2, a_row("c", at(20)))])
    assert await EmbeddingStore(pool).nearest("a", 5) == before


async def test_the_index_finds_what_a_full_scan_finds(pool):  # noqa: F811
    """Recall at 20 over 50 titles; the table has no statistics, as while it is filled."""
    random = np.random.default_rng(4)
    matrix = random.normal(size=(2000, DIMENSIONS)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    await write(pool, {f"t{n:04d}": row for n, row in enumerate(matrix)})
    halved = matrix.astype(np.float16).astype(np.float32)
    hits = 0
    for n in range(50):
        exact = np.argsort(-(halved @ halved[n]), kind="stable")[1:21]
        found = await names(pool, f"t{n:04d}", 20)
        assert len(found) == 20
        hits += len({f"t{m:04d}" for m in exact} & set(found))
    assert await index_scans(pool) > 0
    assert hits / 1000 > 0.9  # random directions are the hardest case; titles are far easier


async def index_scans(pool):  # noqa: F811
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'embeddings_nearest'"
        )
        return (await cursor.fetchone())[0]


@pytest.mark.parametrize("vector", ["A" * 1023, "A" * 1020 + "*==="])
async def test_a_record_that_is_no_vector_is_rejected(pool, vector):  # noqa: F811
    bad = record(EMBEDDINGS, 0, a_row("a", at(0)).model_copy(update={"vector": vector}))
    rejects = await flush_embeddings(pool, [bad])
    assert [reject.reason for reject in rejects] == ["decode"]


async def test_vectors_are_read_back_and_the_nearest_to_any_vector_are_found(pool):  # noqa: F811
    await write(pool, {"a": at(0), "b": at(60), "c": at(30), "removed": at(31)})
    await write(pool, {"other": at(40)}, encoder="encoder-2", start=9)
    await flush_contents(pool, [record(CONTENTS, 19, None, key="removed")])
    store = EmbeddingStore(pool)
    found = {each.content_id: each for each in await store.fetch(["a", "c", "other", "unknown"])}
    assert {name: each.encoder for name, each in found.items()} == {
        "a": "encoder-1", "c": "encoder-1", "other": "encoder-2",
    }  # fmt: skip
    np.testing.assert_allclose(found["c"].vector, at(30), atol=1e-3)
    assert await store.fetch([]) == []
    nearest = await store.nearest_to(at(40), "encoder-1", ["a"], 10)
    assert [name for name, _ in nearest] == ["c", "b"]
    np.testing.assert_allclose([cosine for _, cosine in nearest], np.cos(np.radians([10, 20])),
                               atol=1e-3)  # fmt: skip
    assert [name for name, _ in await store.nearest_to(at(40), "encoder-1", [], 1)] == ["c"]
