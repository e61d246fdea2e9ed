"""Keys that sign our own tokens: sealed at rest, announced before they sign, kept while needed.

A key has three times: ``created_at_ms``, from which it is published; ``signs_from_ms``; and
``ends_at_ms``, from which neither it nor what it signed is believed. Of several keys that may sign,
the one that began last does.
"""

from typing import NamedTuple

from infra.postgres.pool import Pool
from infra.security.sealing import Sealer, SealingError
from infra.security.signing import SigningKey, load, public_x


def signing_key_context(kid: str) -> str:
    """Return what the secret of a signing key is bound to."""
    return f"signing-key:{kid}"


class PublicSigningKey(NamedTuple):
    """The public part of a key; ``x`` is its bytes as in a JWK."""

    kid: str
    x: str
    created_at_ms: int
    signs_from_ms: int
    ends_at_ms: int | None = None


class NewSigningKey(NamedTuple):
    """A key at the one moment its seed is known; times are Unix milliseconds."""

    kid: str
    seed: bytes
    created_at_ms: int
    signs_from_ms: int


COLUMNS = ", ".join(PublicSigningKey._fields)  # the columns are named like the fields
LIVE = "(ends_at_ms IS NULL OR ends_at_ms > %s)"
LIST = f"SELECT {COLUMNS} FROM signing_keys ORDER BY created_at_ms, kid"  # noqa: S608 - constants
PUBLISHED = f"SELECT {COLUMNS} FROM signing_keys WHERE {LIVE} ORDER BY created_at_ms, kid"  # noqa: S608
CURRENT = f"""
SELECT kid, sealed FROM signing_keys WHERE signs_from_ms <= %s AND {LIVE}
ORDER BY signs_from_ms DESC, kid LIMIT 1
"""  # noqa: S608
END_OTHERS = "UPDATE signing_keys SET ends_at_ms = least(ends_at_ms, %s) WHERE " + LIVE  # noqa: S608
INSERT = f"""
INSERT INTO signing_keys ({COLUMNS}, sealed) VALUES (%s, %s, %s, %s, %s, %s)
"""  # noqa: S608
RETIRE = "UPDATE signing_keys SET ends_at_ms = %s WHERE kid = %s AND " + LIVE  # noqa: S608


class SigningKeyStore:
    """Reads and writes signing keys. A seed is sealed with its key id as context."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def rotate(self, new: NewSigningKey, others_end_at_ms: int) -> None:
        """Add a key and let the others end, unless they end earlier anyway.

        Args:
            new: the key.
            others_end_at_ms: from when what the others signed is not believed, Unix milliseconds.

        Raises:
            SealingError: there is no key to seal it with.
        """
        if not self._sealer.has_key:
            raise SealingError("signing keys are kept encrypted: set MEDIA_GATEWAY_SECRETS_KEY")
        sealed = self._sealer.seal(new.seed, signing_key_context(new.kid))
        row = (new.kid, public_x(new.seed), new.created_at_ms, new.signs_from_ms, None, sealed)
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(END_OTHERS, (others_end_at_ms, new.created_at_ms))
            await connection.execute(INSERT, row)

    async def retire(self, kid: str, now_ms: int) -> bool:
        """End a key now; False when it is unknown or ended before."""
        async with self._pool.connection() as connection:
            return (await connection.execute(RETIRE, (now_ms, kid, now_ms))).rowcount == 1

    async def list_all(self) -> list[PublicSigningKey]:
        """Return all keys, oldest first, also those that ended."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(LIST)).fetchall()
        return [PublicSigningKey(*row) for row in rows]

    async def list_published(self, now_ms: int) -> list[PublicSigningKey]:
        """Return the keys that have not ended, oldest first."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(PUBLISHED, (now_ms,))).fetchall()
        return [PublicSigningKey(*row) for row in rows]

    async def current(self, now_ms: int) -> SigningKey | None:
        """Return the key that signs at this time; None when there is none.

        Raises:
            SealingError: it was sealed with another key than the one that is set.
        """
        async with self._pool.connection() as connection:
            row = await (await connection.execute(CURRENT, (now_ms, now_ms))).fetchone()
        if row is None:
            return None
        kid, sealed = row
        return load(kid, self._sealer.open(sealed, signing_key_context(kid)))
