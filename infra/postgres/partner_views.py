"""Partners as people see them and as the audit trail hashes them: nothing that signs is part of it.

Reading these opens no secret, so a lost key of encryption hides no partner.
"""

from typing import Any, NamedTuple

from domain.partner_limits import PartnerLimits, limits_of
from infra.postgres.audit import Connection
from infra.security.partner_keys import KeyKind


class StoredKey(NamedTuple):
    """One live key without its bytes; times are Unix milliseconds, None: not known, no end."""

    secret_id: int
    kind: KeyKind
    created_at_ms: int | None
    valid_until_ms: int | None


class PartnerView(NamedTuple):
    """One partner with its live keys, newest first; the optional limits are as set."""

    partner: str
    display_name: str
    mapper: str
    enabled: bool
    schemes: tuple[str, ...]
    tier: str
    body_bytes_max: int | None
    deliveries_per_s: int | None
    created_at_ms: int
    keys: tuple[StoredKey, ...]

    @property
    def limits(self) -> PartnerLimits:
        """The limits that hold."""
        return limits_of(self.tier, self.body_bytes_max, self.deliveries_per_s)

    def facts(self) -> dict[str, Any]:
        """Return what the audit trail hashes."""
        return self._asdict() | {"keys": [key._asdict() for key in self.keys]}


COLUMNS = ", ".join(f"p.{name}" for name in PartnerView._fields[:-1])
KEYS = """
(SELECT coalesce(json_agg(json_build_array(
    s.secret_id, s.kind, s.created_at_ms, s.valid_until_ms) ORDER BY s.secret_id DESC), '[]')
 FROM partner_secrets s WHERE s.partner = p.partner
 AND (s.valid_until_ms IS NULL OR s.valid_until_ms > %(now_ms)s))
"""
SELECT = f"SELECT {COLUMNS}, {KEYS} FROM partners p "  # noqa: S608 - constants only
FIND = SELECT + "WHERE p.partner = %(partner)s"
PAGE = (
    SELECT
    + """
WHERE (%(after)s::text IS NULL OR p.partner > %(after)s) ORDER BY p.partner LIMIT %(limit)s
"""
)
LOCK = "SELECT 1 FROM partners WHERE partner = %s FOR UPDATE"


async def find(connection: Connection, partner: str, now_ms: int) -> PartnerView | None:
    """Return a partner, None when unknown."""
    cursor = await connection.execute(FIND, {"partner": partner, "now_ms": now_ms})
    row = await cursor.fetchone()
    return None if row is None else _view(row)


async def find_locked(connection: Connection, partner: str, now_ms: int) -> PartnerView | None:
    """Return a partner that nobody else changes until the transaction ends, None when unknown."""
    if await (await connection.execute(LOCK, (partner,))).fetchone() is None:
        return None
    return await find(connection, partner, now_ms)


async def page(
    connection: Connection, now_ms: int, limit: int, after: str | None
) -> list[PartnerView]:
    """Return at most ``limit`` partners by name, those after ``after``."""
    parameters = {"now_ms": now_ms, "limit": limit, "after": after}
    return [_view(row) for row in await (await connection.execute(PAGE, parameters)).fetchall()]


def _view(row: tuple[Any, ...]) -> PartnerView:
    found = PartnerView(*row)
    keys = tuple(StoredKey(*key) for key in row[-1])
    return found._replace(schemes=tuple(found.schemes), keys=keys)
