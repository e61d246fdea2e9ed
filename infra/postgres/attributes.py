"""Serving rows of attributes: which title has which values, how many titles have each.

The ranking is that of ``domain.sources.attributes``, in SQL. A title with other values than before
moves to another set, and the counts change by differences.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection

from domain.sources.attributes import DECIMALS
from infra.postgres.pool import Pool
from infra.postgres.rows import transposed

Values: TypeAlias = tuple[str, ...]
Attributes: TypeAlias = Mapping[str, Values]  # kind -> normalised values, sorted, not empty

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
    before: Values
    now: Values


HELD = """
SELECT content_id, kind, members FROM content_attributes JOIN attribute_sets USING (set_id, kind)
WHERE content_id = ANY(%s)
"""
DETACH = """
DELETE FROM content_attributes t USING unnest(%s::text[], %s::text[]) AS r (content_id, kind)
WHERE t.content_id = r.content_id AND t.kind = r.kind
"""
ATTACH = """
INSERT INTO content_attributes (content_id, kind, set_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::uuid[])
"""
ADD_TO_SETS = """
INSERT INTO attribute_sets AS t (set_id, kind, members, titles)
SELECT set_id, kind, string_to_array(members, E'\\n'), titles
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[]) AS r (set_id, kind, members, titles)
ON CONFLICT (set_id) DO UPDATE SET titles = t.titles + excluded.titles
"""
ADD_TO_COUNTS = """
INSERT INTO attribute_counts AS t (kind, value, titles)
SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])
ON CONFLICT (kind, value) DO UPDATE SET titles = t.titles + excluded.titles
"""
FORGET_SETS = "DELETE FROM attribute_sets WHERE set_id = ANY(%s) AND titles = 0"
FORGET_COUNTS = """
DELETE FROM attribute_counts t USING unnest(%s::text[], %s::text[]) AS r (kind, value)
WHERE t.kind = r.kind AND t.value = r.value AND t.titles = 0
"""
# Sets are scored, not titles. The counts of all values near are read in one index scan: for cast,
# looking them up one by one took most of the time. One set more than asked for, since one may hold
# nothing but the title asked about; and all that tie with the last, because ids decide.
FETCH_SIMILAR = """
WITH near AS (
    SELECT set_id, value FROM attribute_sets, unnest(members) AS value
    WHERE kind = %(kind)s AND members && %(values)s::text[]
), weights AS MATERIALIZED (
    SELECT c.value, c.titles, ln(1 + total.titles::float8 / c.titles) ^ 2 AS square
    FROM attribute_counts c, attribute_counts total
    WHERE c.kind = %(kind)s AND c.value = ANY(ARRAY(SELECT value FROM near))
        AND total.kind = %(kind)s AND total.value = ''
), asked AS MATERIALIZED (
    SELECT * FROM weights WHERE value = ANY(%(values)s::text[])
), best AS (
    SELECT set_id, round((sum(square) FILTER (WHERE value = ANY(%(values)s::text[]))
        / sqrt(sum(square) * (SELECT sum(square) FROM asked)))::numeric, %(decimals)s) AS score
    FROM near JOIN weights USING (value) GROUP BY set_id
    ORDER BY score DESC FETCH FIRST (%(limit)s::int + 1) ROWS WITH TIES
), ranked AS (
    SELECT set_id, content_id, score FROM best CROSS JOIN LATERAL (
        SELECT content_id FROM content_attributes t WHERE t.set_id = best.set_id
        ORDER BY content_id COLLATE "C" LIMIT %(limit)s::int + 1
    ) AS of_set
    WHERE content_id <> %(content_id)s
    ORDER BY score DESC, content_id COLLATE "C" LIMIT %(limit)s::int
)
SELECT content_id, title, score::float8, ARRAY(
    SELECT value FROM asked WHERE value = ANY(members) ORDER BY titles, value LIMIT %(shared_max)s)
FROM ranked JOIN attribute_sets USING (set_id) JOIN contents USING (content_id)
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
    await connection.execute(DETACH, transposed([(c.content_id, c.kind) for c in changes]))
    attached = [(c.content_id, c.kind, set_id(c.kind, c.now)) for c in changes if c.now]
    if attached:
        await connection.execute(ATTACH, transposed(attached))
    await _add_to_sets(connection, changes)
    await _add_to_counts(connection, changes)


async def _changes(
    connection: AsyncConnection[Any], wanted: Mapping[str, Attributes]
) -> list[_Change]:
    cursor = await connection.execute(HELD, (list(wanted),))
    before: dict[tuple[str, str], Values] = {
        (key, kind): tuple(members) for key, kind, members in await cursor.fetchall()
    }
    now = {(key, kind): values for key, kinds in wanted.items() for kind, values in kinds.items()}
    return [
        _Change(*key, before.get(key, ()), now.get(key, ()))
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


async def _add_to_sets(connection: AsyncConnection[Any], changes: Sequence[_Change]) -> None:
    added: Counter[tuple[str, Values]] = Counter()
    for change in changes:
        added[change.kind, change.before] -= 1
        added[change.kind, change.now] += 1
    rows = sorted(
        (set_id(kind, values), kind, "\n".join(values), titles)
        for (kind, values), titles in added.items()
        if values and titles
    )
    if rows:
        await connection.execute(ADD_TO_SETS, transposed(rows))
    less = [row[0] for row in rows if row[-1] < 0]
    if less:
        await connection.execute(FORGET_SETS, (less,))


async def _add_to_counts(connection: AsyncConnection[Any], changes: Sequence[_Change]) -> None:
    added: Counter[tuple[str, str]] = Counter()
    for change in changes:
        added.subtract((change.kind, value) for value in counted(change.before))
        added.update((change.kind, value) for value in counted(change.now))
    rows = sorted((kind, value, titles) for (kind, value), titles in added.items() if titles)
    if rows:
        await connection.execute(ADD_TO_COUNTS, transposed(rows))
    less = [(kind, value) for kind, value, titles in rows if titles < 0]
    if less:
        await connection.execute(FORGET_COUNTS, transposed(less))


def counted(values: Values) -> Values:
    """Return what a title adds one to: its values, and the empty one if it has any."""
    return ("", *values) if values else ()


def set_id(kind: str, values: Values) -> UUID:
    """Return the key of a set of values: the same in every process and replay."""
    text = "\n".join((kind, *values))  # there is no line break in a normalised value
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


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
        parameters = {
            "kind": kind, "content_id": content_id, "values": list(values), "limit": limit,
            "shared_max": SHARED_MAX, "decimals": DECIMALS,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_SIMILAR, parameters)
            return [SimilarRow(*row) for row in await cursor.fetchall()]
