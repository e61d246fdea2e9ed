"""API keys: the public id, the hash of the key, and what the key may do."""

from typing import NamedTuple

from infra.postgres.pool import Pool


class ApiKey(NamedTuple):
    """One key as stored; ``user_id`` binds it to one user, None means any."""

    key_id: str
    key_sha256: bytes
    name: str
    scopes: tuple[str, ...]
    user_id: str | None
    created_at_ms: int
    revoked_at_ms: int | None = None


COLUMNS = "key_id, key_sha256, name, scopes, user_id, created_at_ms, revoked_at_ms"
FIND = f"SELECT {COLUMNS} FROM api_keys WHERE key_id = %s"  # noqa: S608 - constants only
LIST = f"SELECT {COLUMNS} FROM api_keys ORDER BY created_at_ms, key_id"  # noqa: S608
INSERT = """
INSERT INTO api_keys (key_id, key_sha256, name, scopes, user_id, created_at_ms)
VALUES (%s, %s, %s, %s, %s, %s)
"""
REVOKE = "UPDATE api_keys SET revoked_at_ms = %s WHERE key_id = %s AND revoked_at_ms IS NULL"


class ApiKeyStore:
    """Reads and writes API keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, key: ApiKey) -> None:
        """Store a new key (its hash only)."""
        values = (*key[:3], list(key.scopes), key.user_id, key.created_at_ms)
        async with self._pool.connection() as connection:
            await connection.execute(INSERT, values)

    async def find(self, key_id: str) -> ApiKey | None:
        """Return the key with this public id, revoked or not; None when unknown."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (key_id,))).fetchone()
        return None if row is None else _key(row)

    async def list_all(self) -> list[ApiKey]:
        """Return all keys, oldest first."""
        async with self._pool.connection() as connection:
            return [_key(row) for row in await (await connection.execute(LIST)).fetchall()]

    async def revoke(self, key_id: str, now_ms: int) -> bool:
        """Revoke a key; False when it is unknown or was revoked before."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(REVOKE, (now_ms, key_id))
            return cursor.rowcount == 1


def _key(row: tuple[object, ...]) -> ApiKey:
    key_id, digest, name, scopes, user_id, created_at_ms, revoked_at_ms = row
    return ApiKey(
        str(key_id),
        bytes(digest),  # type: ignore[call-overload]
        str(name),
        tuple(scopes),  # type: ignore[arg-type]
        user_id,  # type: ignore[arg-type]
        created_at_ms,  # type: ignore[arg-type]
        revoked_at_ms,  # type: ignore[arg-type]
    )
