"""Dead letters as rows: written by a sink, read by operators and partners, changed by operators.

A row is a record that could not be processed, named by where it was (topic, partition, offset); a
repeated or replayed dead letter of the same record is the same row and keeps its state. ``open``
becomes ``redriven`` or ``discarded`` once, and says who changed it and when.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from domain.dead_letters import happened_at_ms, unpack_headers
from infra.postgres.audit import Actor, Connection, append
from infra.postgres.erasures import ERASED
from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of, newest_per_key
from schemas.audit_entry import SUBJECT_MAX, AuditAction
from schemas.times import DAY_MS

OPEN, REDRIVEN, DISCARDED = "open", "redriven", "discarded"
STATES = (OPEN, REDRIVEN, DISCARDED)


class LetterRow(NamedTuple):
    """One row to write; see ``DeadLetter``."""

    source_topic: str
    source_partition: int
    source_offset: int
    version: int
    agent: str
    reason: str
    detail: str
    failed_at_ms: int
    partner: str | None
    user_id: str | None
    event_id: str | None
    webhook_id: str | None
    key: bytes | None
    value: bytes | None
    headers: bytes
    attempts: int
    first_offset: int | None


class DeadLetter(NamedTuple):
    """One dead letter without its bytes.

    ``version`` is the offset of the dead letter in its own topic. ``partner``, ``user_id``,
    ``event_id`` and ``webhook_id`` are None where the record does not say them. ``first_id`` is the
    row of the first failure of a record that was redriven and failed again, while it is kept.
    ``changed_at_ms`` and ``changed_by`` are None while ``open``; ``note`` is why it was discarded.
    """

    letter_id: int
    source_topic: str
    source_partition: int
    source_offset: int
    version: int
    agent: str
    reason: str
    detail: str
    failed_at_ms: int
    partner: str | None
    user_id: str | None
    event_id: str | None
    webhook_id: str | None
    attempts: int
    first_offset: int | None
    state: str
    changed_at_ms: int | None
    changed_by: str | None
    note: str | None
    first_id: int | None


class WholeLetter(NamedTuple):
    """One dead letter with its bytes; ``headers`` as ``domain.dead_letters`` packs them."""

    letter: DeadLetter
    key: bytes | None
    value: bytes | None
    headers: bytes


class LetterFilter(NamedTuple):
    """Which dead letters; None takes all. Times are of the failure, ``until_ms`` is exclusive."""

    topic: str | None = None
    partner: str | None = None
    reason: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    state: str | None = None


class LetterCursor(NamedTuple):
    """Where a page ended, newest first; the next one starts just after it."""

    failed_at_ms: int
    letter_id: int


class LetterGroup(NamedTuple):
    """Dead letters of one topic, reason and state."""

    topic: str
    reason: str
    state: str


# What a person decided stays, and so does the time of the failure: only what is said of it is new.
UPSERT = f"""
WITH {ERASED}
INSERT INTO dead_letters AS t ({", ".join(LetterRow._fields)})
SELECT {", ".join(LetterRow._fields)} FROM unnest(
    %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[],
    %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::bytea[],
    %b::bytea[], %b::bigint[], %b::bigint[], %b::bigint[])
    WITH ORDINALITY AS r ({", ".join(LetterRow._fields)}, happened_at_ms, nth)
WHERE NOT EXISTS (SELECT FROM erased e WHERE e.user_id = r.user_id AND r.happened_at_ms <= e.at_ms)
ORDER BY nth  -- ids in the order given, whatever plan the condition gets
ON CONFLICT (source_topic, source_partition, source_offset) DO UPDATE SET
    version = excluded.version, agent = excluded.agent, reason = excluded.reason,
    detail = excluded.detail, headers = excluded.headers
WHERE excluded.version > t.version
"""  # noqa: S608 - constants only
FIRST_ID = """
(SELECT f.letter_id FROM dead_letters f WHERE f.source_topic = d.source_topic
 AND f.source_partition = d.source_partition AND f.source_offset = d.first_offset) AS first_id
"""
COLUMNS = ", ".join(f"d.{name}" for name in DeadLetter._fields[:-1]) + f", {FIRST_ID}"
BYTES = "d.key, d.value, d.headers"
MATCHING = """
(%(topic)s::text IS NULL OR d.source_topic = %(topic)s)
AND (%(partner)s::text IS NULL OR d.partner = %(partner)s)
AND (%(reason)s::text IS NULL OR d.reason = %(reason)s)
AND (%(since_ms)s::bigint IS NULL OR d.failed_at_ms >= %(since_ms)s)
AND (%(until_ms)s::bigint IS NULL OR d.failed_at_ms < %(until_ms)s)
AND (%(state)s::text IS NULL OR d.state = %(state)s)
"""
AFTER = """
(%(at_ms)s::bigint IS NULL OR (d.failed_at_ms, d.letter_id) < (%(at_ms)s, %(letter_id)s))
"""
NEWEST_FIRST = "ORDER BY d.failed_at_ms DESC, d.letter_id DESC LIMIT %(limit)s"
LIST = f"SELECT {COLUMNS} FROM dead_letters d WHERE {MATCHING} AND {AFTER} {NEWEST_FIRST}"  # noqa: S608
LIST_OF_PARTNER = f"""
SELECT {COLUMNS}, {BYTES} FROM dead_letters d WHERE d.partner = %(partner)s AND {AFTER}
{NEWEST_FIRST}
"""  # noqa: S608
FIND = f"SELECT {COLUMNS}, {BYTES} FROM dead_letters d WHERE d.letter_id = %s"  # noqa: S608
# In the order in which the records came, so that a redrive keeps it.
IDS = f"""
SELECT d.letter_id FROM dead_letters d WHERE {MATCHING} AND d.state = 'open'
ORDER BY d.source_topic, d.source_partition, d.source_offset LIMIT %(limit)s
"""  # noqa: S608
CLAIM = f"""
SELECT {COLUMNS}, {BYTES} FROM dead_letters d
WHERE d.letter_id = ANY(%s) AND d.state = 'open'
ORDER BY d.source_topic, d.source_partition, d.source_offset
FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608
MARK = """
UPDATE dead_letters SET state = %s, changed_at_ms = %s, changed_by = %s, note = %s
WHERE letter_id = ANY(%s) AND state = 'open' RETURNING letter_id
"""
OPEN_ONES = "SELECT letter_id FROM dead_letters WHERE letter_id = ANY(%s) AND state = 'open'"
COUNT = """
SELECT source_topic, reason, state, count(*) FROM dead_letters GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
PURGE = "DELETE FROM dead_letters WHERE failed_at_ms < %s"


ACTIONS: Mapping[str, AuditAction] = {
    REDRIVEN: "dead-letter.replay",
    DISCARDED: "dead-letter.discard",
}


class Change(NamedTuple):
    """Who changes dead letters, when and why; ``state`` is ``REDRIVEN`` or ``DISCARDED``."""

    state: str
    at_ms: int
    actor: Actor
    note: str | None = None


async def upsert(
    connection: AsyncConnection[Any], rows: Sequence[LetterRow], names: Sequence[tuple[str, str]]
) -> None:
    """Write rows; a repetition of a known dead letter changes nothing, a newer one what it says.

    ``names`` are (user, pseudonym) of the rows. An event of before an erasure is not written, also
    when it failed later; nor is one of an erased user of which nobody can tell when it was.
    """
    kept = newest_per_key(rows, lambda row: row[:3])
    if kept:
        users = [[user for user, _ in names], [pseudonym for _, pseudonym in names]]
        timed = [(*row, _happened_at_ms(row)) for row in kept]
        await connection.execute(UPSERT.encode(), [*users, *columns_of(timed)])


def _happened_at_ms(row: LetterRow) -> int:
    at_ms = happened_at_ms(unpack_headers(row.headers), row.value)
    return 0 if at_ms is None else min(at_ms, row.failed_at_ms)


async def announce(pool: Pool, actor: Actor, letter_ids: Sequence[int]) -> None:
    """Enter in the audit trail that the open ones of the letters are about to be redriven.

    Kafka takes records before their letters are marked: of what is sent by a process that dies in
    between, this is the entry. There is none where no letter is open.
    """
    async with pool.connection() as connection, connection.transaction():
        cursor = await connection.execute(OPEN_ONES, (list(letter_ids),))
        found = sorted(letter_id for (letter_id,) in await cursor.fetchall())
        if found:
            before = {"letter_ids": found, "state": OPEN}
            action: AuditAction = "dead-letter.replay-begin"
            await append(connection, actor, action, numbers_text(found), before)


async def claim(connection: AsyncConnection[Any], letter_ids: Sequence[int]) -> list[WholeLetter]:
    """Return those of the letters that are open, in the order of their records.

    They are locked until the transaction ends: what somebody else has locked is left out, so no
    letter is redriven by two at once.
    """
    cursor = await connection.execute(CLAIM, (list(letter_ids),))
    return [_whole(row) for row in await cursor.fetchall()]


async def mark(connection: Connection, letter_ids: Sequence[int], change: Change) -> list[int]:
    """Change open letters and return which, by number; others stay as they are.

    They have one entry together in the audit trail, none when nothing changed.
    """
    by = change.actor.name
    parameters = (change.state, change.at_ms, by, change.note, list(letter_ids))
    cursor = await connection.execute(MARK, parameters)
    changed = sorted(letter_id for (letter_id,) in await cursor.fetchall())
    if changed:
        after = {"letter_ids": changed, "state": change.state, "note": change.note}
        before = {"letter_ids": changed, "state": OPEN}
        action, subject = ACTIONS[change.state], numbers_text(changed)
        await append(connection, change.actor, action, subject, before, after)
    return changed


def numbers_text(numbers: Sequence[int]) -> str:
    """Return increasing numbers in short, cut where they are too many for a subject.

    >>> numbers_text([3, 5, 6, 7, 9])
    '3,5-7,9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    whole = ",".join(parts)
    if len(whole) <= SUBJECT_MAX:
        return whole
    end = f",... {len(numbers)} in all"
    return whole[: SUBJECT_MAX - len(end)].rpartition(",")[0] + end


async def purge(pool: Pool, now_ms: int, days: int) -> int:
    """Forget letters that failed more than ``days`` ago, in any state; return how many."""
    async with pool.connection() as connection:
        return (await connection.execute(PURGE, (now_ms - days * DAY_MS,))).rowcount


async def count(pool: Pool) -> dict[LetterGroup, int]:
    """Return how many letters are kept of each group that has some; from an index alone."""
    async with pool.connection() as connection:
        cursor = await connection.execute(COUNT)
        return {LetterGroup(*row[:3]): row[3] for row in await cursor.fetchall()}


class DeadLetterStore:
    """Reads dead letters, newest first, and discards them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_page(
        self, wanted: LetterFilter, limit: int, after: LetterCursor | None = None
    ) -> list[DeadLetter]:
        """Return at most ``limit`` letters, starting after the cursor."""
        at_ms, letter_id = after or (None, None)
        parameters = wanted._asdict() | {"at_ms": at_ms, "letter_id": letter_id, "limit": limit}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(LIST, parameters)
            return [DeadLetter(*row) for row in await cursor.fetchall()]

    async def fetch_of_partner(
        self, partner: str, limit: int, after: LetterCursor | None = None
    ) -> list[WholeLetter]:
        """Return at most ``limit`` letters of one partner with their bytes."""
        at_ms, letter_id = after or (None, None)
        parameters = {"partner": partner, "at_ms": at_ms, "letter_id": letter_id, "limit": limit}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(LIST_OF_PARTNER, parameters)
            return [_whole(row) for row in await cursor.fetchall()]

    async def find(self, letter_id: int) -> WholeLetter | None:
        """Return one letter, None when unknown (or no longer kept)."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (letter_id,))).fetchone()
        return None if row is None else _whole(row)

    async def find_open(self, wanted: LetterFilter, limit: int) -> list[int]:
        """Return the ids of at most ``limit`` open letters, in the order of their records.

        The filter's state is not looked at.
        """
        parameters = wanted._asdict() | {"state": None, "limit": limit}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(IDS, parameters)
            return [letter_id for (letter_id,) in await cursor.fetchall()]

    async def discard(
        self, actor: Actor, letter_ids: Sequence[int], *, at_ms: int, note: str
    ) -> list[int]:
        """Discard open letters, say why, and return which."""
        async with self._pool.connection() as connection, connection.transaction():
            return await mark(connection, letter_ids, Change(DISCARDED, at_ms, actor, note))


def _whole(row: tuple[Any, ...]) -> WholeLetter:
    size = len(DeadLetter._fields)
    key, value, headers = row[size:]
    return WholeLetter(DeadLetter(*row[:size]), _bytes(key), _bytes(value), bytes(headers))


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
