"""Keys that sign what we hand out; the secret half is sealed."""

from infra.postgres.pool import Pool
from infra.security.receipts import SigningKey, create_signing_key
from infra.security.sealing import Sealer

NEWEST = """
SELECT key_id, sealed, public_key FROM signing_keys WHERE purpose = %s
ORDER BY created_at_ms DESC, key_id LIMIT 1
"""
INSERT = """
INSERT INTO signing_keys (key_id, purpose, sealed, public_key, created_at_ms)
VALUES (%s, %s, %s, %s, %s)
"""
FIND = "SELECT public_key FROM signing_keys WHERE key_id = %s"


class SigningKeyStore:
    """Reads and makes signing keys. Sealed with purpose and id as context."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def current(self, purpose: str, now_ms: int) -> SigningKey:
        """Return the newest key of a purpose; the first time, one that is made now.

        Two processes that make the first one at once both succeed: both keys stay valid.

        Raises:
            infra.security.sealing.SealingError: it was sealed with another key.
        """
        async with self._pool.connection() as connection:
            row = await (await connection.execute(NEWEST, (purpose,))).fetchone()
            if row is not None:
                key_id, sealed, public = row
                return SigningKey(
                    key_id, self._sealer.open(sealed, _context(purpose, key_id)), public
                )
            key = create_signing_key()
            sealed = self._sealer.seal(key.private, _context(purpose, key.key_id))
            await connection.execute(INSERT, (key.key_id, purpose, sealed, key.public, now_ms))
        return key

    async def public_key(self, key_id: str) -> bytes | None:
        """Return the public half of a key, None when it is unknown."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (key_id,))).fetchone()
        return None if row is None else bytes(row[0])


def _context(purpose: str, key_id: str) -> str:
    return f"signing key {purpose} {key_id}"
