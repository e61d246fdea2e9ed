"""Keys that sign our own tokens: sealed at rest, announced before they sign, kept while needed.

A key has three times: ``created_at_ms``, from which it is published; ``signs_from_ms``; and
``ends_at_ms``, from which neither it nor what it signed is believed. Of several keys that may sign,
the one that began last does.
"""

from typing import Any, NamedTuple

from infra.postgres.audit import Actor, Connection, append
from infra.postgres.pool import Pool
from infra.postgres.sealed_columns import require_common_key, signing_key_context
from infra.security.sealing import Sealer, SealingError
from infra.security.signing import SigningKey, load, public_x


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
LOCK = "SELECT 1 FROM signing_keys ORDER BY kid FOR UPDATE"
RETIRE = "UPDATE signing_keys SET ends_at_ms = %s WHERE kid = %s AND " + LIVE  # noqa: S608


class SigningKeyStore:
    """Reads and writes signing keys. A seed is sealed with its key id as context.

    Whoever changes one leaves an entry in the audit trail.
    """

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def rotate(self, actor: Actor, new: NewSigningKey, others_end_at_ms: int) -> None:
        """Add a key and let the others end, unless they end earlier anyway.

        Args:
            actor: who does it.
            new: the key.
            others_end_at_ms: from when what the others signed is not believed, Unix milliseconds.

        Raises:
            SealingError: there is no key to seal it with, or another than of what is stored.
        """
        if not self._sealer.has_key:
            raise SealingError("signing keys are kept encrypted: set MEDIA_GATEWAY_SECRETS_KEY")
        sealed = self._sealer.seal(new.seed, signing_key_context(new.kid))
        row = (new.kid, public_x(new.seed), new.created_at_ms, new.signs_from_ms, None, sealed)
        async with self._pool.connection() as connection, connection.transaction():
            await require_common_key(connection, self._sealer)
            before = await _locked(connection)
            await connection.execute(END_OTHERS, (others_end_at_ms, new.created_at_ms))
            await connection.execute(INSERT, row)
            after = await _locked(connection)
            await append(connection, actor, "signing-key.rotate", new.kid, before, after)

    async def retire(self, actor: Actor, kid: str, now_ms: int) -> bool:
        """End a key now; False when it is unknown or ended before."""
        async with self._pool.connection() as connection, connection.transaction():
            before = await _locked(connection)
            if (await connection.execute(RETIRE, (now_ms, kid, now_ms))).rowcount == 0:
                return False
            after = await _locked(connection)
            await append(connection, actor, "signing-key.retire", kid, before, after)
            return True

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


async def _locked(connection: Connection) -> list[dict[str, Any]]:
    """Return the public parts of all keys, as the audit trail hashes them; nobody changes them."""
    await connection.execute(LOCK)
    rows = await (await connection.execute(LIST)).fetchall()
    return [PublicSigningKey(*row)._asdict() for row in rows]
