"""Issuers whose tokens are believed: their keys, the audience, and the scopes at most."""

from typing import Any, NamedTuple

from infra.postgres.audit import Actor, Connection, append
from infra.postgres.pool import Pool
from schemas.audit_entry import AuditAction


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
FIND = f"SELECT {COLUMNS} FROM token_issuers WHERE issuer = %s FOR UPDATE"  # noqa: S608
INSERT = f"""
INSERT INTO token_issuers ({COLUMNS}) VALUES ({", ".join(["%s"] * len(TokenIssuer._fields))})
ON CONFLICT (issuer) DO NOTHING
"""  # noqa: S608
SET_ENABLED = "UPDATE token_issuers SET enabled = %s WHERE issuer = %s"
REMOVE = "DELETE FROM token_issuers WHERE issuer = %s"


class TokenIssuerStore:
    """Reads and writes issuers; whoever changes one leaves an entry in the audit trail."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, actor: Actor, issuer: TokenIssuer) -> None:
        """Add an issuer.

        Raises:
            IssuerExists: there is one of this name.
        """
        row = issuer._asdict()
        row |= {"algorithms": list(issuer.algorithms), "scopes": list(issuer.scopes)}
        async with self._pool.connection() as connection, connection.transaction():
            if (await connection.execute(INSERT, tuple(row.values()))).rowcount == 0:
                raise IssuerExists(f"issuer {issuer.issuer!r} exists already")
            await append(connection, actor, "issuer.add", issuer.issuer, None, row)

    async def list_all(self) -> list[TokenIssuer]:
        """Return all issuers by name, enabled or not."""
        async with self._pool.connection() as connection:
            return [_issuer(row) for row in await (await connection.execute(LIST)).fetchall()]

    async def set_enabled(self, actor: Actor, issuer: str, *, enabled: bool) -> bool:
        """Enable or disable an issuer; False when it is unknown."""
        async with self._pool.connection() as connection, connection.transaction():
            before = await _locked(connection, issuer)
            if before is None:
                return False
            await connection.execute(SET_ENABLED, (enabled, issuer))
            action: AuditAction = "issuer.enable" if enabled else "issuer.disable"
            after = before._replace(enabled=enabled)
            await append(connection, actor, action, issuer, before._asdict(), after._asdict())
            return True

    async def remove(self, actor: Actor, issuer: str) -> bool:
        """Forget an issuer; False when it is unknown."""
        async with self._pool.connection() as connection, connection.transaction():
            before = await _locked(connection, issuer)
            if before is None:
                return False
            await connection.execute(REMOVE, (issuer,))
            await append(connection, actor, "issuer.remove", issuer, before._asdict(), None)
            return True


async def _locked(connection: Connection, issuer: str) -> TokenIssuer | None:
    row = await (await connection.execute(FIND, (issuer,))).fetchone()
    return None if row is None else _issuer(row)


def _issuer(row: tuple[Any, ...]) -> TokenIssuer:
    found = TokenIssuer(*row)
    return found._replace(algorithms=tuple(found.algorithms), scopes=tuple(found.scopes))
