"""Who was erased and until when, by pseudonym; no user id."""

from collections.abc import Sequence
from typing import NamedTuple

from infra.postgres.audit import Actor, append
from infra.postgres.pool import Pool
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
INSERT INTO erasures AS t (pseudonym, erased_at_ms) VALUES (%s, %s)
ON CONFLICT (pseudonym) DO UPDATE SET
    erased_at_ms = GREATEST(excluded.erased_at_ms, t.erased_at_ms + 1), requested = t.requested + 1
RETURNING erased_at_ms
"""
NOTE_RECEIPT = """
UPDATE erasures SET receipt_id = %s, receipt_sha256 = %s, issued_at_ms = %s WHERE pseudonym = %s
"""
NEWEST = "SELECT max(erased_at_ms) FROM erasures WHERE pseudonym = ANY(%s)"
FETCH_NEWEST = """
SELECT pseudonym, erased_at_ms, requested, receipt_id, receipt_sha256, issued_at_ms
FROM erasures WHERE pseudonym = ANY(%s) ORDER BY erased_at_ms DESC LIMIT 1
"""
FETCH_SINCE = "SELECT pseudonym, erased_at_ms FROM erasures WHERE erased_at_ms >= %s"


class ErasureRow(NamedTuple):
    """One erased user: what occurred until then is refused."""

    pseudonym: str
    erased_at_ms: int


class ErasureRecord(NamedTuple):
    """Everything that is kept of the erasures of a user."""

    pseudonym: str
    erased_at_ms: int
    requested: int
    receipt_id: str | None
    receipt_sha256: bytes | None
    issued_at_ms: int | None


class Noted(NamedTuple):
    """An erasure as it was noted: its time, and the number of its audit entry."""

    erased_at_ms: int
    sequence: int


class Receipt(NamedTuple):
    """What is remembered of a receipt."""

    receipt_id: str
    sha256: bytes
    issued_at_ms: int


class ErasureStore:
    """Reads and writes erasures."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def record(self, actor: Actor, pseudonym: str, now_ms: int) -> Noted:
        """Note an erasure, and enter it in the audit trail.

        Its time is ``now_ms``, or just after an earlier one of the user.
        """
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(RECORD, (pseudonym, now_ms))
            row = await cursor.fetchone()
            assert row is not None
            erased_at_ms = int(row[0])
            after = {"erased_at_ms": erased_at_ms}
            entry = await append(connection, actor, "user.erase", pseudonym, None, after)
        return Noted(erased_at_ms, entry.sequence)

    async def note_receipt(self, actor: Actor, pseudonym: str, receipt: Receipt) -> None:
        """Remember the receipt that was handed out for a user, also in the audit trail."""
        row = (receipt.receipt_id, receipt.sha256, receipt.issued_at_ms, pseudonym)
        after = {"receipt_id": receipt.receipt_id, "sha256": receipt.sha256.hex()}
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(NOTE_RECEIPT, row)
            await append(connection, actor, "user.erase", pseudonym, None, after)

    async def delete_rows(self, user_id: str, until_ms: int) -> None:
        """Delete the user's rows that no agent deletes, of events until then."""
        await delete_rows(self._pool, user_id, until_ms)

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
