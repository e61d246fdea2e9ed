"""Serving rows of attributes: which title has which values, how many titles have each.

The ranking is that of ``domain.sources.attributes``, in SQL. A title with other values than before
moves to another set, and the counts change by differences.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from psycopg import AsyncConnection

from domain.title_attributes import DECIMALS
from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of

Attributes: TypeAlias = Mapping[str, Sequence[str]]  # kind -> normalised values, sorted, not empty
Keys: TypeAlias = tuple[int, ...]  # of values, in the order of the values

SHARED_MAX = 5


class SimilarRow(NamedTuple):
    """A title that shares values with the one asked for; ``shared`` are the rarest of them."""

    content_id: str
    title: str
    score: float
    shared: Sequence[str]


class _Change(NamedTuple):
    """What one title has of one kind, before and now; () is nothing."""

    content_id: str
    kind: str
    before: Keys
    now: Keys


HELD = """
SELECT content_id, kind, members FROM content_attributes JOIN attribute_sets USING (set_key)
WHERE content_id = ANY(%s)
"""
DETACH = """
DELETE FROM content_attributes t USING unnest(%b::text[], %b::text[]) AS r (content_id, kind)
WHERE t.content_id = r.content_id AND t.kind = r.kind
"""
ATTACH = """
INSERT INTO content_attributes (content_id, kind, set_key)
SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[])
"""
ADD_TO_SETS = """
INSERT INTO attribute_sets AS t (set_key, members, titles)
SELECT set_key, string_to_array(members, ',')::bigint[], titles
FROM unnest(%b::bigint[], %b::text[], %b::int[]) AS r (set_key, members, titles)
ON CONFLICT (set_key) DO UPDATE SET titles = t.titles + excluded.titles
"""
ADD_TO_COUNTS = """
INSERT INTO attribute_counts AS t (value_key, titles)
SELECT * FROM unnest(%b::bigint[], %b::int[])
ON CONFLICT (value_key) DO UPDATE SET titles = t.titles + excluded.titles
"""
FORGET_SETS = "DELETE FROM attribute_sets WHERE set_key = ANY(%s) AND titles = 0"
FORGET_COUNTS = "DELETE FROM attribute_counts WHERE value_key = ANY(%s) AND titles = 0"
# Sets are scored, not titles. The counts of all values near are read in one index scan: for cast,
# looking them up one by one took most of the time. One set more than asked for, since one may hold
# nothing but the title asked about; and all that tie with the last, because ids decide.
FETCH_SIMILAR = """
WITH near AS (
    SELECT set_key, value_key FROM attribute_sets, unnest(members) AS value_key
    WHERE members && %(values)s::bigint[]
), weights AS MATERIALIZED (
    SELECT c.value_key, c.titles, ln(1 + any_value.titles::float8 / c.titles) ^ 2 AS square
    FROM attribute_counts c, attribute_counts any_value
    WHERE c.value_key = ANY(ARRAY(SELECT value_key FROM near))
        AND any_value.value_key = %(any_value)s
), asked AS MATERIALIZED (
    SELECT * FROM weights WHERE value_key = ANY(%(values)s::bigint[])
), best AS (
    SELECT set_key, round((sum(square) FILTER (WHERE value_key = ANY(%(values)s::bigint[]))
        / sqrt(sum(square) * (SELECT sum(square) FROM asked)))::numeric, %(decimals)s) AS score
    FROM near JOIN weights USING (value_key) GROUP BY set_key
    ORDER BY score DESC FETCH FIRST (%(limit)s::int + 1) ROWS WITH TIES
), ranked AS (
    SELECT set_key, content_id, score FROM best CROSS JOIN LATERAL (
        SELECT content_id FROM content_attributes t WHERE t.set_key = best.set_key
        ORDER BY content_id COLLATE "C" LIMIT %(limit)s::int + 1
    ) AS of_set
    WHERE content_id <> %(content_id)s
    ORDER BY score DESC, content_id COLLATE "C" LIMIT %(limit)s::int
)
SELECT content_id, title, score::float8, ARRAY(
    SELECT value_key FROM asked WHERE value_key = ANY(members)
    ORDER BY titles, array_position(%(values)s::bigint[], value_key) LIMIT %(shared_max)s)
FROM ranked JOIN attribute_sets USING (set_key) JOIN contents USING (content_id)
ORDER BY score DESC, content_id COLLATE "C"
"""


async def replace(connection: AsyncConnection[Any], wanted: Mapping[str, Attributes]) -> None:
    """Set the attributes of titles; only what differs from what they have is written.

    Belongs in the transaction that wrote the rows of these contents: their locks keep two writers
    of one title apart.
    """
    changes = await _changes(connection, wanted)
    if not changes:
        return
    detached = [(change.content_id, change.kind) for change in changes]
    await connection.execute(DETACH, columns_of(detached))
    attached = [(c.content_id, c.kind, set_key(c.now)) for c in changes if c.now]
    if attached:
        await connection.execute(ATTACH, columns_of(attached))
    await _add_to_sets(connection, changes)
    await _add_to_counts(connection, changes)


async def _changes(
    connection: AsyncConnection[Any], wanted: Mapping[str, Attributes]
) -> list[_Change]:
    cursor = await connection.execute(HELD, (list(wanted),))
    before: dict[tuple[str, str], Keys] = {
        (key, kind): tuple(members) for key, kind, members in await cursor.fetchall()
    }
    now = {
        (key, kind): tuple(value_key(kind, value) for value in values)
        for key, kinds in wanted.items()
        for kind, values in kinds.items()
    }
    return [
        _Change(*key, before.get(key, ()), now.get(key, ()))
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


async def _add_to_sets(connection: AsyncConnection[Any], changes: Sequence[_Change]) -> None:
    added: Counter[Keys] = Counter()
    for change in changes:
        added[change.before] -= 1
        added[change.now] += 1
    rows = sorted(
        (set_key(members), ",".join(map(str, members)), titles)
        for members, titles in added.items()
        if members and titles
    )
    if rows:
        await connection.execute(ADD_TO_SETS, columns_of(rows))
        await connection.execute(FORGET_SETS, ([row[0] for row in rows if row[-1] < 0],))


async def _add_to_counts(connection: AsyncConnection[Any], changes: Sequence[_Change]) -> None:
    added: Counter[int] = Counter()
    for change in changes:
        added.subtract(counted(change.kind, change.before))
        added.update(counted(change.kind, change.now))
    rows = sorted((key, titles) for key, titles in added.items() if titles)
    if rows:
        await connection.execute(ADD_TO_COUNTS, columns_of(rows))
        await connection.execute(FORGET_COUNTS, ([key for key, titles in rows if titles < 0],))


def counted(kind: str, members: Keys) -> Keys:
    """Return what a title adds one to: its values, and the empty one if it has any."""
    return (value_key(kind, ""), *members) if members else ()


def value_key(kind: str, value: str) -> int:
    """Return the key of a normalised value: the same in every process and replay."""
    return hashed(f"{kind}\n{value}")


def set_key(members: Keys) -> int:
    """Return the key of a set of values."""
    return hashed(",".join(map(str, members)))


def hashed(text: str) -> int:
    """Return 64 bits as Postgres' bigint has them."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class AttributeStore:
    """Ranks titles by shared attributes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_similar(
        self, kind: str, content_id: str, values: Sequence[str], limit: int
    ) -> list[SimilarRow]:
        """Return the titles most similar to one with these normalised values, best first.

        Scores are above 0 and at most 1, rounded; ties are in order of content_id. ``content_id``
        itself is left out.
        """
        by_key = {value_key(kind, value): value for value in sorted(values)}
        parameters = {
            "values": list(by_key), "any_value": value_key(kind, ""), "content_id": content_id,
            "limit": limit, "shared_max": SHARED_MAX, "decimals": DECIMALS,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(FETCH_SIMILAR, parameters)).fetchall()
        return [
            SimilarRow(other, title, score, [by_key[key] for key in shared])
            for other, title, score, shared in rows
        ]
