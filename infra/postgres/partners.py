"""Partners: who may post webhooks, with which secrets, and which mapper reads their payloads."""

from collections.abc import Callable
from typing import NamedTuple

from infra.postgres.pool import Pool
from infra.security.sealing import Sealer

SECRETS_MAX = 3  # live secrets per partner: two during a rotation, and one to spare


class Partner(NamedTuple):
    """One partner with its live webhook secrets, newest first."""

    partner: str
    mapper: str
    enabled: bool
    secrets: tuple[bytes, ...]


class PartnerExists(ValueError):
    """The name is taken."""


INSERT = """
INSERT INTO partners (partner, mapper, created_at_ms) VALUES (%s, %s, %s)
ON CONFLICT (partner) DO NOTHING
"""
ADD_SECRET = "INSERT INTO partner_secrets (partner, sealed) VALUES (%s, %s)"  # noqa: S105 - SQL
FETCH = """
SELECT p.partner, p.mapper, p.enabled,
       ARRAY(SELECT s.sealed FROM partner_secrets s
             WHERE s.partner = p.partner AND (s.valid_until_ms IS NULL OR s.valid_until_ms > %s)
             ORDER BY s.secret_id DESC LIMIT %s)
FROM partners p
"""
EXPIRE_OTHERS = """
UPDATE partner_secrets SET valid_until_ms = least(coalesce(valid_until_ms, %s), %s)
WHERE partner = %s
"""


class PartnerStore:
    """Reads and writes partners. Secrets are sealed with the partner's name as context."""

    def __init__(self, pool: Pool, sealer: Sealer, clock_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._sealer = sealer
        self._clock_ms = clock_ms

    async def create(self, partner: str, mapper: str, secret: bytes) -> None:
        """Add a partner with its first secret.

        Raises:
            PartnerExists: there is one with this name.
        """
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(INSERT, (partner, mapper, self._clock_ms()))
            if cursor.rowcount == 0:
                raise PartnerExists(f"partner {partner!r} exists already")
            await connection.execute(ADD_SECRET, (partner, self._sealer.seal(secret, partner)))

    async def add_secret(self, partner: str, secret: bytes, overlap_ms: int) -> None:
        """Add a newer secret; the others stay valid for at most ``overlap_ms`` from now."""
        until_ms = self._clock_ms() + overlap_ms
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(EXPIRE_OTHERS, (until_ms, until_ms, partner))
            await connection.execute(ADD_SECRET, (partner, self._sealer.seal(secret, partner)))

    async def find(self, partner: str) -> Partner | None:
        """Return a partner with its live secrets, None when unknown."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                FETCH + "WHERE p.partner = %s", (self._clock_ms(), SECRETS_MAX, partner)
            )
            row = await cursor.fetchone()
        return None if row is None else self._partner(row)

    async def list_all(self) -> list[Partner]:
        """Return all partners by name."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                FETCH + "ORDER BY p.partner", (self._clock_ms(), SECRETS_MAX)
            )
            return [self._partner(row) for row in await cursor.fetchall()]

    def _partner(self, row: tuple[str, str, bool, list[str]]) -> Partner:
        name, mapper, enabled, sealed = row
        return Partner(
            name, mapper, enabled, tuple(self._sealer.open(item, name) for item in sealed)
        )
