"""Partners: who may post webhooks, how they sign, and which mapper reads their payloads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import sql

from domain.partner_limits import PartnerLimits, limits_of
from domain.tiers import TIER_DEFAULT
from infra.postgres import partner_views
from infra.postgres.audit import Actor, Connection, append
from infra.postgres.partner_views import PartnerView
from infra.postgres.pool import Pool
from infra.postgres.sealed_columns import require_common_key, warn_of_plain
from infra.security.partner_keys import (
    PUBLIC_KEY,
    SECRET,
    Key,
    KeyKind,
    check_kind,
    check_schemes,
)
from infra.security.sealing import Sealer, SealingError
from infra.security.webhook_keys import Keyring, Scheme, fingerprint
from schemas.audit_entry import AuditAction

__all__ = [
    "PUBLIC_KEY", "SECRET", "Key", "KeyKind", "LiveKey", "NewPartner", "Partner", "PartnerExists",
    "PartnerStore", "TooManyKeys", "UnknownPartner", "Unreadable",
]  # fmt: skip
KEYS_MAX = 3  # live keys per partner: two during a rotation, and one to spare


class NewPartner(NamedTuple):
    """What a person says of a partner; None: the tier's limit."""

    partner: str
    mapper: str
    display_name: str = ""
    schemes: tuple[Scheme, ...] = (Scheme.V1,)
    tier: str = TIER_DEFAULT
    body_bytes_max: int | None = None
    deliveries_per_s: int | None = None


class Partner(NamedTuple):
    """One partner with its live keys; the optional limits are as set, see ``limits``."""

    partner: str
    mapper: str
    enabled: bool
    keyring: Keyring
    display_name: str = ""
    tier: str = TIER_DEFAULT
    body_bytes_max: int | None = None
    deliveries_per_s: int | None = None

    @property
    def limits(self) -> PartnerLimits:
        """The limits that hold."""
        return limits_of(self.tier, self.body_bytes_max, self.deliveries_per_s)


class Unreadable(NamedTuple):
    """A partner whose keys cannot be opened, and why."""

    partner: str
    reason: str


class LiveKey(NamedTuple):
    """What may be shown of a live key."""

    kind: KeyKind
    fingerprint: str
    created_at_ms: int | None
    valid_until_ms: int | None


class PartnerExists(ValueError):
    """The name is taken."""


class UnknownPartner(ValueError):
    """There is no such partner."""


class TooManyKeys(ValueError):
    """There are ``KEYS_MAX`` live keys; ``until_ms`` is when the first of them ends."""

    def __init__(self, until_ms: int) -> None:
        super().__init__(f"{KEYS_MAX} keys are live")
        self.until_ms = until_ms


CHANGEABLE = frozenset({*NewPartner._fields, "enabled"} - {"partner"})
INSERT = """
INSERT INTO partners (partner, mapper, display_name, schemes, tier, body_bytes_max,
                      deliveries_per_s, created_at_ms)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (partner) DO NOTHING
"""
ADD_KEY = """
INSERT INTO partner_secrets (partner, kind, sealed, created_at_ms) VALUES (%s, %s, %s, %s)
"""
IS_LIVE = "(s.valid_until_ms IS NULL OR s.valid_until_ms > %s)"
FETCH = f"""
SELECT p.partner, p.mapper, p.enabled, p.display_name, p.tier, p.body_bytes_max, p.deliveries_per_s,
       p.schemes, ARRAY(SELECT concat_ws('|', s.kind, coalesce(s.valid_until_ms::text, ''),
                                       s.sealed) FROM partner_secrets s
                        WHERE s.partner = p.partner AND {IS_LIVE}
                        ORDER BY s.secret_id DESC LIMIT {KEYS_MAX})
FROM partners p
"""  # noqa: S608 - constants only
FETCH_KEYS = f"""
SELECT s.kind, s.sealed, s.created_at_ms, s.valid_until_ms FROM partner_secrets s
WHERE s.partner = %s AND {IS_LIVE} ORDER BY s.secret_id DESC
"""  # noqa: S608
FORGET_ENDED = "DELETE FROM partner_secrets WHERE partner = %s AND valid_until_ms <= %s"
END_OTHERS = """
UPDATE partner_secrets SET valid_until_ms = least(coalesce(valid_until_ms, %s), %s)
WHERE partner = %s
"""
COUNT_LIVE = f"""
SELECT count(*), min(s.valid_until_ms) FROM partner_secrets s WHERE s.partner = %s AND {IS_LIVE}
"""  # noqa: S608


class PartnerStore:
    """Reads and writes partners. Keys are sealed with the partner's name as context.

    Whoever changes a partner leaves an entry in the audit trail.
    """

    def __init__(self, pool: Pool, sealer: Sealer, clock_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._sealer = sealer
        self._clock_ms = clock_ms

    async def create(self, actor: Actor, new: NewPartner, keys: Sequence[Key]) -> None:
        """Add a partner with its first keys.

        Raises:
            PartnerExists: there is one with this name.
            KeyMismatch: the key that is set is not that of what is stored.
        """
        now_ms = self._clock_ms()
        row = (*new._replace(schemes=list(new.schemes)), now_ms)  # type: ignore[arg-type]
        async with self._pool.connection() as connection, connection.transaction():
            await require_common_key(connection, self._sealer)
            cursor = await connection.execute(INSERT, row)
            if cursor.rowcount == 0:
                raise PartnerExists(f"partner {new.partner!r} exists already")
            for key in keys:
                await self._add(connection, new.partner, key, now_ms)
            after = await _known(connection, new.partner, now_ms)
            await append(connection, actor, "partner.create", new.partner, None, after.facts())

    async def change(self, actor: Actor, partner: str, changes: Mapping[str, Any]) -> None:
        """Set fields (``CHANGEABLE``) of a partner; at least one.

        Raises:
            UnknownPartner: there is none with this name.
            KeysDoNotFit: there is no live key for any of the schemes; nothing was changed.
        """
        assert changes
        assert changes.keys() <= CHANGEABLE
        now_ms = self._clock_ms()
        columns = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes
        )
        statement = sql.SQL("UPDATE partners SET {} WHERE partner = {}").format(
            columns, sql.Placeholder()
        )
        values = [list(item) if isinstance(item, tuple) else item for item in changes.values()]
        async with self._pool.connection() as connection, connection.transaction():
            before = await _known(connection, partner, now_ms)
            if "schemes" in changes:
                check_schemes(partner, changes["schemes"], {key.kind for key in before.keys})
            await connection.execute(statement, [*values, partner])
            after = await _known(connection, partner, now_ms)
            action = _action_of(changes)
            await append(connection, actor, action, partner, before.facts(), after.facts())

    async def rotate(self, actor: Actor, partner: str, key: Key, overlap_ms: int) -> None:
        """Add a newer key; the others stay valid for at most ``overlap_ms`` from now.

        Raises:
            UnknownPartner: there is none with this name.
            KeysDoNotFit: none of the partner's schemes uses such a key; nothing was changed.
            TooManyKeys: as many as may be are live; nothing was changed.
            KeyMismatch: the key that is set is not that of what is stored; nothing was changed.
        """
        now_ms = self._clock_ms()
        until_ms = now_ms + overlap_ms
        async with self._pool.connection() as connection, connection.transaction():
            await require_common_key(connection, self._sealer)
            before = await _known(connection, partner, now_ms)
            check_kind(partner, frozenset(map(Scheme, before.schemes)), key.kind)
            await connection.execute(END_OTHERS, (until_ms, until_ms, partner))
            await connection.execute(FORGET_ENDED, (partner, now_ms))
            row = await (await connection.execute(COUNT_LIVE, (partner, now_ms))).fetchone()
            if row is not None and row[0] >= KEYS_MAX:
                raise TooManyKeys(row[1])
            await self._add(connection, partner, key, now_ms)
            after = await _known(connection, partner, now_ms)
            await append(
                connection, actor, "partner.rotate-secret", partner, before.facts(), after.facts()
            )

    async def view(self, partner: str) -> PartnerView | None:
        """Return a partner without what signs, None when unknown."""
        async with self._pool.connection() as connection:
            return await partner_views.find(connection, partner, self._clock_ms())

    async def page(self, limit: int, after: str | None = None) -> list[PartnerView]:
        """Return at most ``limit`` partners by name, those after ``after``."""
        async with self._pool.connection() as connection:
            return await partner_views.page(connection, self._clock_ms(), limit, after)

    async def find(self, partner: str) -> Partner | None:
        """Return a partner with its live keys, None when unknown."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                FETCH + "WHERE p.partner = %s", (self._clock_ms(), partner)
            )
            row = await cursor.fetchone()
        return None if row is None else self._partner(row)

    async def list_all(self) -> list[Partner | Unreadable]:
        """Return all partners by name, also those whose keys cannot be opened."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH + "ORDER BY p.partner", (self._clock_ms(),))
            return [self._listed(row) for row in await cursor.fetchall()]

    async def live_keys(self, partner: str) -> list[LiveKey]:
        """Return what may be shown of a partner's live keys, newest first."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(FETCH_KEYS, (partner, self._clock_ms()))
            return [
                LiveKey(kind, fingerprint(self._sealer.open(sealed, partner)), created_at_ms, until)
                for kind, sealed, created_at_ms, until in await cursor.fetchall()
            ]

    async def _add(self, connection: Connection, partner: str, key: Key, now_ms: int) -> None:
        sealed = self._sealer.seal(key.value, partner)
        if key.kind == SECRET:
            warn_of_plain(self._sealer, f"partner {partner}")
        await connection.execute(ADD_KEY, (partner, key.kind, sealed, now_ms))

    def _listed(self, row: tuple[Any, ...]) -> Partner | Unreadable:
        try:
            return self._partner(row)
        except SealingError as error:
            return Unreadable(row[0], str(error))

    def _partner(self, row: tuple[Any, ...]) -> Partner:
        name, mapper, enabled, display_name, tier, body_bytes, per_s, schemes, stored = row
        keys: dict[str, list[bytes]] = {SECRET: [], PUBLIC_KEY: []}
        untils: dict[bytes, int | None] = {}
        for item in stored:
            kind, until_ms, sealed = item.split("|", 2)
            key = self._sealer.open(sealed, name)
            keys[kind].append(key)
            # A key that was given again is there twice: the newest row, the first, ends last.
            untils.setdefault(key, int(until_ms) if until_ms else None)
        keyring = Keyring(
            frozenset(map(Scheme, schemes)), tuple(keys[SECRET]), tuple(keys[PUBLIC_KEY]),
            tuple((key, until_ms) for key, until_ms in untils.items() if until_ms is not None),
        )  # fmt: skip
        return Partner(name, mapper, enabled, keyring, display_name, tier, body_bytes, per_s)


async def _known(connection: Connection, partner: str, now_ms: int) -> PartnerView:
    """Return a partner, locked until the transaction ends.

    Raises:
        UnknownPartner: there is none with this name.
    """
    found = await partner_views.find_locked(connection, partner, now_ms)
    if found is None:
        raise UnknownPartner(f"there is no partner {partner!r}")
    return found


def _action_of(changes: Mapping[str, Any]) -> AuditAction:
    """Return what a change is called: one that only turns a partner on or off has its own name."""
    if changes.keys() != {"enabled"}:
        return "partner.update"
    return "partner.enable" if changes["enabled"] else "partner.disable"
