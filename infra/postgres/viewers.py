"""What is included for each user: the newest offsets and the newest event fingerprints.

Written in the transaction of the watch states it comes from. Read it before the rows it speaks
about: then the rows are at least as new as what is claimed.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of


class Viewer(NamedTuple):
    """What the serving rows of one user include. Offsets are -1 when there is none."""

    user_id: str
    source_offset: int
    interaction_offset: int
    recent_events: tuple[str, ...]
    as_of_ms: int


# Offsets and event times only grow, so the maximum is right in any order of writing. ``erased`` is
# ``erasures.ERASED``, before it in the statement.
UPSERT = """
INSERT INTO viewers AS t (user_id, source_offset, interaction_offset, recent_events, as_of_ms)
SELECT user_id, source_offset, interaction_offset, string_to_array(recent_events, ','), as_of_ms
FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::bigint[])
  AS r (user_id, source_offset, interaction_offset, recent_events, as_of_ms)
WHERE NOT EXISTS (SELECT FROM erased e WHERE e.user_id = r.user_id AND r.as_of_ms <= e.at_ms)
ON CONFLICT (user_id) DO UPDATE SET
    source_offset = excluded.source_offset,
    interaction_offset = GREATEST(t.interaction_offset, excluded.interaction_offset),
    recent_events = excluded.recent_events,
    as_of_ms = GREATEST(t.as_of_ms, excluded.as_of_ms)
WHERE excluded.source_offset >= t.source_offset
"""
DELETE_WITHOUT_STATES = """
DELETE FROM viewers v WHERE v.user_id = ANY(%s)
    AND NOT EXISTS (SELECT FROM watch_states s WHERE s.user_id = v.user_id)
RETURNING v.user_id
"""
FETCH = """
SELECT user_id, source_offset, interaction_offset, recent_events, as_of_ms
FROM viewers WHERE user_id = %s
"""


def combined(viewers: Sequence[Viewer]) -> list[Viewer]:
    """Return one viewer per user: the newest offset decides, times are the maximum; by user_id."""
    newest: dict[str, Viewer] = {}
    for viewer in viewers:
        known = newest.get(viewer.user_id)
        newest[viewer.user_id] = viewer if known is None else merge(known, viewer)
    return [newest[user_id] for user_id in sorted(newest)]


def merge(known: Viewer, other: Viewer) -> Viewer:
    """Combine two observations of one user; ``other`` wins a tie."""
    newer = other if other.source_offset >= known.source_offset else known
    return newer._replace(
        interaction_offset=max(known.interaction_offset, other.interaction_offset),
        as_of_ms=max(known.as_of_ms, other.as_of_ms),
    )


def parameters_of(viewers: Sequence[Viewer]) -> list[list[Any]]:
    """Return the parameters of ``UPSERT``; ``viewers`` (not empty) may name a user repeatedly."""
    rows = [v._replace(recent_events=",".join(v.recent_events)) for v in combined(viewers)]  # type: ignore[arg-type]
    return columns_of(rows)


async def delete_without_states(
    connection: AsyncConnection[Any], user_ids: Collection[str]
) -> list[str]:
    """Delete those of the viewers of whom no watch state is left, and return them."""
    cursor = await connection.execute(DELETE_WITHOUT_STATES, (sorted(user_ids),))
    return [user_id for (user_id,) in await cursor.fetchall()]


class ViewerStore:
    """Reads viewers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, user_id: str) -> Viewer | None:
        """Return what is included for a user, None when nothing is."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FETCH, (user_id,))).fetchone()
        return None if row is None else Viewer(row[0], row[1], row[2], tuple(row[3]), row[4])
