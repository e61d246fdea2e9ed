"""API keys: the public id, the hash of the key, and what the key may do."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from psycopg.errors import ForeignKeyViolation

from domain.tiers import TIER_DEFAULT
from infra.postgres.audit import Actor, Connection, append
from infra.postgres.pool import Pool


class NoSuchPartner(ValueError):
    """A key cannot belong to a partner that there is not."""


class ApiKey(NamedTuple):
    """One key as stored; ``user_id`` binds it to one user, ``partner`` to one partner."""

    key_id: str
    key_sha256: bytes
    name: str
    scopes: tuple[str, ...]
    user_id: str | None
    created_at_ms: int
    revoked_at_ms: int | None = None
    partner: str | None = None
    tier: str = TIER_DEFAULT
    expires_at_ms: int | None = None
    last_used_at_ms: int | None = None

    def is_live(self, now_ms: int) -> bool:
        """Whether it may be used: neither revoked nor expired."""
        expired = self.expires_at_ms is not None and self.expires_at_ms <= now_ms
        return self.revoked_at_ms is None and not expired


COLUMNS = ", ".join(ApiKey._fields)  # the columns are named like the fields
FIND = f"SELECT {COLUMNS} FROM api_keys WHERE key_id = %s"  # noqa: S608 - constants only
LOCK = FIND + " FOR UPDATE"
LIST = f"SELECT {COLUMNS} FROM api_keys ORDER BY created_at_ms, key_id"  # noqa: S608
PAGE = f"""
SELECT {COLUMNS} FROM api_keys
WHERE (%(at_ms)s::bigint IS NULL OR (created_at_ms, key_id) < (%(at_ms)s, %(key_id)s))
ORDER BY created_at_ms DESC, key_id DESC LIMIT %(limit)s
"""  # noqa: S608
INSERT = f"""
INSERT INTO api_keys ({COLUMNS}) VALUES ({", ".join(["%s"] * len(ApiKey._fields))})
"""  # noqa: S608
END = """
UPDATE api_keys SET expires_at_ms = least(expires_at_ms, %s)
WHERE key_id = %s AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > %s)
"""
NOTE_USED = """
UPDATE api_keys k SET last_used_at_ms = r.at_ms
FROM unnest(%s::text[], %s::bigint[]) AS r (key_id, at_ms)
WHERE k.key_id = r.key_id AND (k.last_used_at_ms IS NULL OR k.last_used_at_ms < r.at_ms)
"""
REVOKE = "UPDATE api_keys SET revoked_at_ms = %s WHERE key_id = %s AND revoked_at_ms IS NULL"


class KeyCursor(NamedTuple):
    """Where a page of keys ended, newest first; the next one starts just after it."""

    created_at_ms: int
    key_id: str


class ApiKeyStore:
    """Reads and writes API keys; whoever changes one leaves an entry in the audit trail."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, actor: Actor, key: ApiKey) -> None:
        """Store a new key (its hash only).

        Raises:
            NoSuchPartner: it belongs to a partner that is unknown.
        """
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(INSERT, _row(key))
                await append(connection, actor, "key.create", key.key_id, None, _seen(key))
        except ForeignKeyViolation:
            raise NoSuchPartner(f"no partner {key.partner!r}") from None

    async def rotate(self, actor: Actor, key_id: str, new: ApiKey, ends_at_ms: int) -> bool:
        """Store ``new`` and let the key with this id end; False when that one is not live.

        Args:
            actor: who does it.
            key_id: the key that is replaced.
            new: the key that replaces it.
            ends_at_ms: when the old key ends, Unix milliseconds; one that ends before stays so.
        """
        async with self._pool.connection() as connection, connection.transaction():
            old = await _locked(connection, key_id)
            if old is None or not old.is_live(new.created_at_ms):
                return False
            await connection.execute(END, (ends_at_ms, key_id, new.created_at_ms))
            await connection.execute(INSERT, _row(new))
            before, after = _seen(old), _seen(new) | {"replaces": key_id}
            await append(connection, actor, "key.rotate", key_id, before, after)
            return True

    async def note_used(self, uses: Mapping[str, int]) -> None:
        """Record when keys were used last (Unix milliseconds by key id), in one statement."""
        async with self._pool.connection() as connection:
            ordered = sorted(uses)  # two processes lock rows in the same order
            await connection.execute(NOTE_USED, (ordered, [uses[key_id] for key_id in ordered]))

    async def find(self, key_id: str) -> ApiKey | None:
        """Return the key with this public id, revoked or not; None when unknown."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (key_id,))).fetchone()
        return None if row is None else _key(row)

    async def list_all(self) -> list[ApiKey]:
        """Return all keys, oldest first."""
        async with self._pool.connection() as connection:
            return [_key(row) for row in await (await connection.execute(LIST)).fetchall()]

    async def page(self, limit: int, after: KeyCursor | None = None) -> list[ApiKey]:
        """Return at most ``limit`` keys, newest first, starting after the cursor."""
        at_ms, key_id = after or (None, None)
        parameters = {"at_ms": at_ms, "key_id": key_id, "limit": limit}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(PAGE, parameters)).fetchall()
        return [_key(row) for row in rows]

    async def revoke(self, actor: Actor, key_id: str, now_ms: int) -> bool:
        """Revoke a key; False when it is unknown or was revoked before."""
        async with self._pool.connection() as connection, connection.transaction():
            found = await _locked(connection, key_id)
            if found is None or found.revoked_at_ms is not None:
                return False
            await connection.execute(REVOKE, (now_ms, key_id))
            after = _seen(found._replace(revoked_at_ms=now_ms))
            await append(connection, actor, "key.revoke", key_id, _seen(found), after)
            return True


async def _locked(connection: Connection, key_id: str) -> ApiKey | None:
    row = await (await connection.execute(LOCK, (key_id,))).fetchone()
    return None if row is None else _key(row)


def _seen(key: ApiKey) -> dict[str, Any]:
    """Return a key as the audit trail hashes it: without its hash, its use, and whose it is.

    The rest is known or easy to guess, so the hash of a user's id could be found by trying ids,
    also when the user was erased. A key stays with its user, so no change is missed.
    """
    left_out = ("key_sha256", "last_used_at_ms", "user_id")
    seen = {name: value for name, value in key._asdict().items() if name not in left_out}
    return {**seen, "is_bound_to_user": key.user_id is not None}


def _row(key: ApiKey) -> tuple[Any, ...]:
    return tuple(key._replace(scopes=list(key.scopes)))  # type: ignore[arg-type]


def _key(row: tuple[Any, ...]) -> ApiKey:
    key = ApiKey(*row)
    return key._replace(key_sha256=bytes(key.key_sha256), scopes=tuple(key.scopes))
