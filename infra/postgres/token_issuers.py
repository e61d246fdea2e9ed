"""Issuers whose tokens are believed: their keys, the audience, and the scopes at most."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from infra.postgres.pool import Pool


class TokenIssuer(NamedTuple):
    """One issuer as stored; either ``jwks`` (the document) or ``jwks_url`` has its keys.

    ``scopes`` are the most that its tokens are granted, ``user_claim`` names the user id in them.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    jwks: str | None
    jwks_url: str | None
    scopes: tuple[str, ...]
    tier: str
    user_claim: str
    token_type: str
    lifetime_max_s: int
    enabled: bool
    created_at_ms: int


class IssuerExists(ValueError):
    """There is an issuer of this name."""


COLUMNS = ", ".join(TokenIssuer._fields)  # the columns are named like the fields
LIST = f"SELECT {COLUMNS} FROM token_issuers ORDER BY issuer"  # noqa: S608 - constants only
INSERT = f"""
INSERT INTO token_issuers ({COLUMNS}) VALUES ({", ".join(["%s"] * len(TokenIssuer._fields))})
ON CONFLICT (issuer) DO NOTHING
"""  # noqa: S608
SET_ENABLED = "UPDATE token_issuers SET enabled = %s WHERE issuer = %s"
REMOVE = "DELETE FROM token_issuers WHERE issuer = %s"


class TokenIssuerStore:
    """Reads and writes issuers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, issuer: TokenIssuer) -> None:
        """Add an issuer.

        Raises:
            IssuerExists: there is one of this name.
        """
        row = issuer._asdict()
        row |= {"algorithms": list(issuer.algorithms), "scopes": list(issuer.scopes)}
        if await self._change(INSERT, tuple(row.values())) == 0:
            raise IssuerExists(f"issuer {issuer.issuer!r} exists already")

    async def list_all(self) -> list[TokenIssuer]:
        """Return all issuers by name, enabled or not."""
        async with self._pool.connection() as connection:
            return [_issuer(row) for row in await (await connection.execute(LIST)).fetchall()]

    async def set_enabled(self, issuer: str, *, enabled: bool) -> bool:
        """Enable or disable an issuer; False when it is unknown."""
        return await self._change(SET_ENABLED, (enabled, issuer)) == 1

    async def remove(self, issuer: str) -> bool:
        """Forget an issuer; False when it is unknown."""
        return await self._change(REMOVE, (issuer,)) == 1

    async def _change(self, statement: str, values: Sequence[object]) -> int:
        async with self._pool.connection() as connection:
            return (await connection.execute(statement.encode(), values)).rowcount


def _issuer(row: tuple[Any, ...]) -> TokenIssuer:
    found = TokenIssuer(*row)
    return found._replace(algorithms=tuple(found.algorithms), scopes=tuple(found.scopes))
