"""Serving rows of text embeddings, and the nearest titles by cosine (pgvector, HNSW)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from psycopg import AsyncConnection

from domain.embedding import Vectors
from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of, newest_per_key


class EmbeddingRow(NamedTuple):
    """One row to write; ``removed`` rows carry nothing else."""

    content_id: str
    version: int
    removed: bool
    encoder: str | None = None
    vector: str | None = None  # as ``vector_text`` writes it


class Embedded(NamedTuple):
    """The vector of one title, and whose it is."""

    content_id: str
    encoder: str
    vector: Vectors


class Nearest(NamedTuple):
    """The titles nearest to one: (content_id, title, cosine similarity), most similar first."""

    encoder: str
    titles: list[tuple[str, str, float]]


UPSERT = """
INSERT INTO embeddings AS t (content_id, version, removed, encoder, embedding)
SELECT content_id, version, removed, encoder, vector::halfvec(384)
FROM unnest(%b::text[], %b::bigint[], %b::boolean[], %b::text[], %b::text[])
  AS r (content_id, version, removed, encoder, vector)
ON CONFLICT (content_id) DO UPDATE SET
    version = excluded.version, removed = excluded.removed, encoder = excluded.encoder,
    embedding = excluded.embedding
WHERE excluded.version >= t.version
"""
FETCH = "SELECT encoder, embedding::text FROM embeddings WHERE content_id = %s AND NOT removed"
FETCH_SOME = """
SELECT content_id, encoder, embedding::text FROM embeddings
WHERE content_id = ANY(%s) AND NOT removed
"""
# Candidates come from the index, ef_search at first and more while the filters leave too few.
# Without statistics the planner would compute and sort all distances: 25 ms for 17,000 titles
# where the index takes 2.
SEARCH_SETTINGS = """
SELECT set_config('hnsw.ef_search', %s, true),
       set_config('hnsw.iterative_scan', 'strict_order', true),
       set_config('enable_sort', 'off', true)
"""
EF_SEARCH_MIN = 100
EF_SEARCH_MAX = 1000  # pgvector's limit
# The inner query is the one that the index can answer; the outer one orders equal distances.
NEAREST = """
SELECT content_id, title, 1 - distance FROM (
    SELECT e.content_id, c.title, e.embedding <=> %(vector)s::halfvec(384) AS distance
    FROM embeddings e JOIN contents c ON c.content_id = e.content_id AND NOT c.removed
    WHERE e.content_id <> %(content_id)s AND e.encoder = %(encoder)s
    ORDER BY distance LIMIT %(limit)s
) AS nearest ORDER BY distance, content_id
"""
NEAREST_TO = """
SELECT content_id, 1 - distance FROM (
    SELECT e.content_id, e.embedding <=> %(vector)s::halfvec(384) AS distance
    FROM embeddings e JOIN contents c ON c.content_id = e.content_id AND NOT c.removed
    WHERE e.content_id <> ALL(%(left_out)s) AND e.encoder = %(encoder)s
    ORDER BY distance LIMIT %(limit)s
) AS nearest ORDER BY distance, content_id
"""


def vector_text(vector: Vectors) -> str:
    """Return a vector of shape (384,) as pgvector reads it."""
    return f"[{','.join(map(str, vector.tolist()))}]"


async def upsert(connection: AsyncConnection[Any], rows: Sequence[EmbeddingRow]) -> None:
    """Write rows; an older version never replaces a newer one."""
    kept = newest_per_key(rows, lambda row: row.content_id)
    if kept:
        await connection.execute(UPSERT, columns_of(kept))


def read_vector(text: str) -> Vectors:
    """Return the vector that pgvector wrote."""
    return np.array(text[1:-1].split(","), dtype=np.float32)


class EmbeddingStore:
    """Reads embeddings. Raises ``pool.UNAVAILABLE`` errors when Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def nearest(self, content_id: str, limit: int) -> Nearest | None:
        """Return at most ``limit`` titles of the catalogue, without the title itself.

        Approximate: the index may miss one of the nearest. Only vectors of the title's own encoder
        are compared. Ties are in order of content_id. None when the title has no embedding.
        """
        async with self._pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(FETCH, (content_id,))).fetchone()
            if found is None:
                return None
            encoder, vector = found
            await _search_deep_enough(connection, limit)
            wanted = {
                "content_id": content_id,
                "vector": vector,
                "encoder": encoder,
                "limit": limit,
            }
            rows = await (await connection.execute(NEAREST, wanted)).fetchall()
        return Nearest(encoder, [(name, title, float(score)) for name, title, score in rows])

    async def fetch(self, content_ids: Sequence[str]) -> list[Embedded]:
        """Return the vectors of those titles that have one, in any order."""
        if not content_ids:
            return []
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(FETCH_SOME, (list(content_ids),))).fetchall()
        return [Embedded(name, encoder, read_vector(text)) for name, encoder, text in rows]

    async def nearest_to(
        self, vector: Vectors, encoder: str, left_out: Sequence[str], limit: int
    ) -> list[tuple[str, float]]:
        """Return the titles of the catalogue nearest to a vector, and their cosines, best first.

        Approximate, like ``nearest``. Ties are in order of content_id.

        Args:
            vector: of shape (384,).
            encoder: whose vectors are compared.
            left_out: titles that do not count.
            limit: how many at most.
        """
        wanted = {
            "vector": vector_text(vector),
            "encoder": encoder,
            "left_out": list(left_out),
            "limit": limit,
        }
        async with self._pool.connection() as connection, connection.transaction():
            await _search_deep_enough(connection, limit)
            rows = await (await connection.execute(NEAREST_TO, wanted)).fetchall()
        return [(name, float(score)) for name, score in rows]


async def _search_deep_enough(connection: AsyncConnection[Any], limit: int) -> None:
    ef_search = min(max(EF_SEARCH_MIN, 2 * limit), EF_SEARCH_MAX)
    await connection.execute(SEARCH_SETTINGS, (str(ef_search),))
