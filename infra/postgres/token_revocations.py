"""Tokens that are not believed any more: a list that forgets what has expired anyway."""

from typing import Literal, NamedTuple

from infra.postgres.audit import Actor, Connection, append
from infra.postgres.pool import Pool
from infra.security.tokens import LEEWAY_S, LIFETIME_CAP_S

# No token that was issued before its revocation is good for longer than this.
KEPT_S = LIFETIME_CAP_S + 2 * LEEWAY_S

Kind = Literal["user", "token", "erased"]


class TokenRevocation(NamedTuple):
    """All tokens of a user that were issued until ``revoked_at_s``, or the token with one jti.

    Of kind ``erased`` the value is the pseudonym of a user who was erased then.
    """

    kind: Kind
    value: str
    revoked_at_s: int


LIST = """
SELECT kind, value, revoked_at_s FROM token_revocations WHERE forgotten_at_s > %s
ORDER BY kind, value
"""
REVOKE = """
INSERT INTO token_revocations AS t (kind, value, revoked_at_s, forgotten_at_s)
VALUES (%s, %s, %s, %s)
ON CONFLICT (kind, value) DO UPDATE SET
    revoked_at_s = GREATEST(excluded.revoked_at_s, t.revoked_at_s),
    forgotten_at_s = GREATEST(excluded.forgotten_at_s, t.forgotten_at_s)
"""
REVOKE_ERASED = """
INSERT INTO token_revocations AS t (kind, value, revoked_at_s, forgotten_at_s)
VALUES ('erased', %s, %s, %s)
ON CONFLICT (kind, value) DO UPDATE SET
    revoked_at_s = GREATEST(excluded.revoked_at_s, t.revoked_at_s),
    forgotten_at_s = GREATEST(excluded.forgotten_at_s, t.forgotten_at_s)
"""
PURGE = "DELETE FROM token_revocations WHERE forgotten_at_s <= %s"


class TokenRevocationStore:
    """Reads and writes revocations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def revoke(self, actor: Actor, kind: Kind, value: str, now_s: int) -> None:
        """Revoke a token, or what a user has until now; again moves the time to now."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(REVOKE, (kind, value, now_s, now_s + KEPT_S))
            after = {"kind": kind, "value": value, "revoked_at_s": now_s}
            # Entries stay for ever and users may be erased: whose it was is in the hash alone.
            subject = "a user" if kind == "user" else f"token {value}"
            await append(connection, actor, "token.revoke", subject, None, after)

    async def list_live(self, now_s: int) -> list[TokenRevocation]:
        """Return the revocations that can still matter."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(LIST, (now_s,))).fetchall()
        return [TokenRevocation(*row) for row in rows]


async def revoke_erased(connection: Connection, pseudonym: str, erased_at_ms: int) -> None:
    """Revoke what a user had when they were erased, in the transaction of the erasure."""
    at_s = erased_at_ms // 1000
    await connection.execute(REVOKE_ERASED, (pseudonym, at_s, at_s + KEPT_S))


async def purge(pool: Pool, now_ms: int) -> int:
    """Forget revocations of tokens that have all expired and return how many. Idempotent."""
    async with pool.connection() as connection:
        return (await connection.execute(PURGE, (now_ms // 1000,))).rowcount
