"""Who was erased and until when, by pseudonym; no user id."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infra.postgres.audit import Actor, append
from infra.postgres.pool import Pool
from infra.postgres.rows import columns_of
from infra.postgres.token_revocations import revoke_erased
from infra.privacy.tables import delete_rows

# A part of statements that write rows of users: the erasures of those users, who are given by
# (user, pseudonym). The row of an erasure is written before its mark, so before any tombstone.
ERASED = """
erased AS MATERIALIZED (
    SELECT n.user_id, max(e.erased_at_ms) AS at_ms
    FROM unnest(%b::text[], %b::text[]) AS n (user_id, pseudonym) JOIN erasures e USING (pseudonym)
    GROUP BY n.user_id
)"""
# The newer time wins: nothing of before comes back by a clock that runs late.
RECORD = """
WITH earlier AS (SELECT erased_at_ms FROM erasures WHERE pseudonym = %(pseudonym)s)
INSERT INTO erasures AS t (pseudonym, erased_at_ms, open_since_ms)
VALUES (%(pseudonym)s, %(now_ms)s, %(now_ms)s)
ON CONFLICT (pseudonym) DO UPDATE SET
    erased_at_ms = GREATEST(excluded.erased_at_ms, t.erased_at_ms + 1), requested = t.requested + 1,
    open_since_ms = coalesce(t.open_since_ms, GREATEST(excluded.erased_at_ms, t.erased_at_ms + 1))
RETURNING erased_at_ms, open_since_ms, (SELECT erased_at_ms FROM earlier)
"""
NOTE_RECEIPT = """
UPDATE erasures SET receipt_id = %s, receipt_sha256 = %s, issued_at_ms = %s, removed = '{}',
    open_since_ms = NULL
WHERE pseudonym = %s AND erased_at_ms = %s
"""
# Two sinks count for the same users: both take the rows in one order.
LOCK = "SELECT FROM erasures WHERE pseudonym = ANY(%s) ORDER BY pseudonym FOR UPDATE"
COUNT_REMOVED = """
UPDATE erasures e
SET removed = jsonb_set(e.removed, ARRAY[r.name],
                        to_jsonb(coalesce((e.removed ->> r.name)::bigint, 0) + r.rows))
FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS r (pseudonym, name, rows)
WHERE e.pseudonym = r.pseudonym
"""
FETCH_REMOVED = "SELECT removed FROM erasures WHERE pseudonym = %s"
NEWEST = "SELECT max(erased_at_ms) FROM erasures WHERE pseudonym = ANY(%s)"
# The receipt in a row is of an earlier erasure while one is open.
FETCH_NEWEST = """
SELECT e.pseudonym, e.erased_at_ms, e.requested, r.receipt_id, r.receipt_sha256, r.issued_at_ms
FROM erasures e LEFT JOIN erasures r ON r.pseudonym = e.pseudonym AND r.open_since_ms IS NULL
WHERE e.pseudonym = ANY(%s) ORDER BY e.erased_at_ms DESC LIMIT 1
"""
FETCH_SINCE = "SELECT pseudonym, erased_at_ms FROM erasures WHERE erased_at_ms >= %s"


class ErasureRow(NamedTuple):
    """One erased user: what occurred until then is refused."""

    pseudonym: str
    erased_at_ms: int


class ErasureRecord(NamedTuple):
    """What is kept of the erasures of a user; without a receipt of the newest the last are None."""

    pseudonym: str
    erased_at_ms: int
    requested: int
    receipt_id: str | None
    receipt_sha256: bytes | None
    issued_at_ms: int | None


class Noted(NamedTuple):
    """An erasure as it was noted.

    ``sequence`` is the number of its audit entry, ``open_since_ms`` the time of the first erasure
    of the user that no receipt tells of (this one, or an earlier one), ``earlier_ms`` the time of
    the one before; None: there was none.
    """

    erased_at_ms: int
    sequence: int
    open_since_ms: int
    earlier_ms: int | None


class Receipt(NamedTuple):
    """What is remembered of a receipt."""

    receipt_id: str
    sha256: bytes
    issued_at_ms: int


async def count_removed(
    connection: AsyncConnection[Any],
    table: str,
    user_ids: Iterable[str],
    names: Sequence[tuple[str, str]],
) -> None:
    """Add rows that were deleted to the erasures of their users, for the receipt.

    Args:
        connection: in the transaction that deleted them.
        table: whose rows they were.
        user_ids: the user of each row.
        names: (user, pseudonym) of these users, and perhaps of others.
    """
    rows = Counter(user_ids)
    counted = sorted((name, table, rows[user]) for user, name in names if rows[user])
    if not counted:
        return
    await connection.execute(LOCK, ([name for name, *_ in counted],))
    await connection.execute(COUNT_REMOVED, columns_of(counted))


class ErasureStore:
    """Reads and writes erasures."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def record(self, actor: Actor, pseudonym: str, now_ms: int) -> Noted:
        """Note an erasure, revoke the user's tokens, and enter it in the audit trail.

        Its time is ``now_ms``, or just after an earlier one of the user.
        """
        parameters = {"pseudonym": pseudonym, "now_ms": now_ms}
        async with self._pool.connection() as connection, connection.transaction():
            row = await (await connection.execute(RECORD, parameters)).fetchone()
            assert row is not None
            erased_at_ms, open_since_ms, earlier_ms = row
            await revoke_erased(connection, pseudonym, erased_at_ms)
            after = {"erased_at_ms": erased_at_ms}
            entry = await append(connection, actor, "user.erase", pseudonym, None, after)
        return Noted(erased_at_ms, entry.sequence, open_since_ms, earlier_ms)

    async def note_receipt(
        self, actor: Actor, pseudonym: str, erased_at_ms: int, receipt: Receipt
    ) -> None:
        """Remember the receipt that was handed out for an erasure, also in the audit trail.

        It told what was removed until now: the next one counts from the next erasure on. Where that
        one came meanwhile, only the audit trail remembers the receipt, and what was removed stays
        counted: the receipt of the newer erasure must tell of it.
        """
        row = (*receipt, pseudonym, erased_at_ms)
        after = {"receipt_id": receipt.receipt_id, "sha256": receipt.sha256.hex()}
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(NOTE_RECEIPT, row)
            await append(connection, actor, "user.erase", pseudonym, None, after)

    async def delete_rows(self, user_id: str, pseudonym: str, until_ms: int) -> None:
        """Delete, and count, the user's rows that no agent deletes, of events until then."""
        names = [(user_id, pseudonym)]
        async with self._pool.connection() as connection, connection.transaction():
            for table, rows in (await delete_rows(connection, user_id, until_ms)).items():
                await count_removed(connection, table, [user_id] * rows, names)

    async def removed(self, pseudonym: str) -> dict[str, int]:
        """Return by table how many rows of a user were deleted that no receipt tells of."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FETCH_REMOVED, (pseudonym,))).fetchone()
        return {} if row is None else row[0]

    async def find(self, pseudonyms: Sequence[str]) -> ErasureRecord | None:
        """Return the newest erasure of a user, who has these pseudonyms; None: not erased."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FETCH_NEWEST, (list(pseudonyms),))).fetchone()
        return None if row is None else ErasureRecord(*row)

    async def erased_at(self, pseudonyms: Sequence[str]) -> int | None:
        """Return the newest erasure of a user, who has these pseudonyms; None: not erased."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(NEWEST, (list(pseudonyms),))).fetchone()
        return None if row is None else row[0]

    async def fetch_since(self, erased_at_ms: int) -> Sequence[ErasureRow]:
        """Return the erasures from that time on, in no order."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_SINCE, (erased_at_ms,))
            return [ErasureRow(*row) for row in await cursor.fetchall()]
