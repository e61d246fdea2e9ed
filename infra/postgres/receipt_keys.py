"""Keys that sign receipts of erasures; the secret half is sealed."""

from infra.postgres.pool import Pool
from infra.postgres.sealed_columns import (
    receipt_key_context,
    require_common_key,
    warn_of_plain,
)
from infra.security.receipts import ReceiptKey, create_receipt_key
from infra.security.sealing import Sealer

NEWEST_FIRST = """
SELECT key_id, sealed, public_key FROM receipt_keys ORDER BY created_at_ms DESC, key_id
"""
INSERT = """
INSERT INTO receipt_keys (key_id, sealed, public_key, created_at_ms) VALUES (%s, %s, %s, %s)
"""
FIND = "SELECT public_key FROM receipt_keys WHERE key_id = %s"


class ReceiptKeyStore:
    """Reads and makes keys of receipts. Sealed with the id as context."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def current(self, now_ms: int) -> ReceiptKey:
        """Return the newest key that is not lost; where there is none, one that is made now.

        What lost ones signed stays valid: their public halves are kept. Two processes that make one
        at once both succeed: both keys stay valid.

        Raises:
            infra.security.sealing.SealingError: it, or another secret, was sealed with another key.
        """
        async with self._pool.connection() as connection, connection.transaction():
            rows = await (await connection.execute(NEWEST_FIRST)).fetchall()
            for key_id, sealed, public in rows:
                if self._sealer.is_lost(sealed):
                    continue
                private = self._sealer.open(sealed, receipt_key_context(key_id))
                return ReceiptKey(key_id, private, public)
            await require_common_key(connection, self._sealer)
            key = create_receipt_key()
            warn_of_plain(self._sealer, f"receipt key {key.key_id}")
            sealed = self._sealer.seal(key.private, receipt_key_context(key.key_id))
            await connection.execute(INSERT, (key.key_id, sealed, key.public, now_ms))
        return key

    async def public_key(self, key_id: str) -> bytes | None:
        """Return the public half of a key, None when it is unknown."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (key_id,))).fetchone()
        return None if row is None else bytes(row[0])
