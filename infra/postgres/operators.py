"""Operators: who they are, what they log in with. A write and its entry are one transaction.

Secrets of authenticator apps are sealed with the operator's id as context, never kept otherwise.
"""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from domain.audit import digest
from infra.postgres.audit import Actor, Connection, append, hold_session
from infra.postgres.pool import Pool
from infra.postgres.sealed_columns import require_common_key, totp_context
from infra.security.sealing import Sealer
from schemas.audit_entry import AuditAction


class Operator(NamedTuple):
    """One operator as others may know it.

    ``locked_until_ms`` is for strange addresses, ``familiar_locked_until_ms`` for familiar ones,
    ``step_up_locked_until_ms`` for codes within sessions.
    """

    operator_id: str
    name: str
    role: str
    disabled_at_ms: int | None
    locked_until_ms: int
    familiar_locked_until_ms: int
    created_at_ms: int
    recovery_codes_left: int
    step_up_locked_until_ms: int = 0


class Credentials(NamedTuple):
    """What a login is checked against before the account itself is looked at."""

    operator_id: str
    password_hash: str
    recovery_salt: bytes


class NewFactor(NamedTuple):
    """A second factor: the app's secret, the step of its first code, hashes of recovery codes."""

    totp_secret: bytes
    step: int
    recovery_salt: bytes
    recovery_hashes: Sequence[bytes]


class OperatorExists(ValueError):
    """The name is taken."""


class NoSuchOperator(LookupError):
    """There is no operator with this name, or it is in that state already."""


INSERT = """
INSERT INTO operators (operator_id, name, role, password_hash, sealed_totp, last_step,
                       recovery_salt, created_at_ms)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
INSERT_CODE = "INSERT INTO operator_recovery_codes (operator_id, code_hash) VALUES (%s, %s)"
DELETE_CODES = "DELETE FROM operator_recovery_codes WHERE operator_id = %s"
DELETE_SESSIONS = "DELETE FROM operator_sessions WHERE operator_id = %s"
# With the sessions: whoever had one may have made an address familiar.
DELETE_ADDRESSES = "DELETE FROM operator_addresses WHERE operator_id = %s"
LIST = """
SELECT operator_id, name, role, disabled_at_ms, locked_until_ms, familiar_locked_until_ms,
       step_up_locked_until_ms, created_at_ms,
       (SELECT count(*) FROM operator_recovery_codes c WHERE c.operator_id = o.operator_id)
           AS recovery_codes_left
FROM operators o
"""
FIND_CREDENTIALS = "SELECT operator_id, password_hash, recovery_salt FROM operators WHERE name = %s"
# Nobody who has only the digest of this can try a password or a code: the salts are random.
FACTORS = """
SELECT password_hash, sealed_totp, encode(recovery_salt, 'hex'),
       ARRAY(SELECT encode(c.code_hash, 'hex') FROM operator_recovery_codes c
             WHERE c.operator_id = o.operator_id ORDER BY c.code_hash)
FROM operators o WHERE operator_id = %s
"""
LOCK_ROW = "SELECT operator_id FROM operators WHERE name = %s FOR UPDATE"
DISABLE = "UPDATE operators SET disabled_at_ms = %s WHERE operator_id = %s"
UNLOCK = """
UPDATE operators
SET failed_at_ms = '{}', failures_in_a_row = 0, lockouts = 0, locked_until_ms = 0,
    familiar_failed_at_ms = '{}', familiar_failures_in_a_row = 0, familiar_lockouts = 0,
    familiar_locked_until_ms = 0,
    step_up_failed_at_ms = '{}', step_up_failures_in_a_row = 0, step_up_lockouts = 0,
    step_up_locked_until_ms = 0
WHERE operator_id = %s
"""
SET_TOTP = "UPDATE operators SET sealed_totp = %s, last_step = %s WHERE operator_id = %s"
SET_SALT = "UPDATE operators SET recovery_salt = %s WHERE operator_id = %s"
SET_PASSWORD = "UPDATE operators SET password_hash = %s WHERE operator_id = %s"  # noqa: S105 - SQL
REHASH = "UPDATE operators SET password_hash = %s WHERE operator_id = %s AND password_hash = %s"


class OperatorStore:
    """Adds, finds and changes operators."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def create(
        self, actor: Actor, operator: Operator, password_hash: str, factor: NewFactor
    ) -> None:
        """Add an operator whose app has shown one good code.

        Raises:
            OperatorExists: the name is taken.
            SealingError: there is no key to seal the app's secret with, or another than of what is
                stored.
        """
        sealed = self._seal(operator.operator_id, factor)
        row = (
            operator.operator_id, operator.name, operator.role, password_hash, sealed, factor.step,
            factor.recovery_salt, operator.created_at_ms,
        )  # fmt: skip
        async with self._pool.connection() as connection, connection.transaction():
            await require_common_key(connection, self._sealer)
            try:
                await connection.execute(INSERT, row)
            except UniqueViolation as error:
                raise OperatorExists(f"operator {operator.name!r} exists already") from error
            await _insert_codes(connection, operator.operator_id, factor.recovery_hashes)
            after = await _seen(connection, operator.operator_id)
            await append(connection, actor, "operator.create", operator.name, None, after)

    async def find_credentials(self, name: str) -> Credentials | None:
        """Return what a login with this name is checked against, None when there is no such."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Credentials)) as cursor,
        ):
            return await (await cursor.execute(FIND_CREDENTIALS, (name,))).fetchone()

    async def list_all(self) -> list[Operator]:
        """Return all operators by name."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Operator)) as cursor,
        ):
            return await (await cursor.execute(LIST + "ORDER BY name")).fetchall()

    async def disable(self, actor: Actor, name: str, now_ms: int) -> None:
        """Disable an operator and end its sessions; it cannot log in until it is enabled."""
        statements = [(DISABLE, (now_ms,)), (DELETE_SESSIONS, ()), (DELETE_ADDRESSES, ())]
        await self._change(actor, "operator.disable", name, statements)

    async def enable(self, actor: Actor, name: str) -> None:
        """Enable an operator again."""
        await self._change(actor, "operator.enable", name, [(DISABLE, (None,))])

    async def unlock(self, actor: Actor, name: str) -> None:
        """Forget an operator's wrong attempts and its lockout."""
        await self._change(actor, "operator.unlock", name, [(UNLOCK, ())])

    async def set_password(self, actor: Actor, name: str, password_hash: str) -> None:
        """Give an operator another password, end its sessions, and unlock it."""
        statements = [
            (SET_PASSWORD, (password_hash,)), (DELETE_SESSIONS, ()), (DELETE_ADDRESSES, ()),
            (UNLOCK, ()),
        ]  # fmt: skip
        await self._change(actor, "operator.set-password", name, statements)

    async def reset_factor(self, actor: Actor, name: str, factor: NewFactor) -> None:
        """Give an operator another app secret and recovery codes, end its sessions, unlock it.

        Raises:
            NoSuchOperator: nobody has this name.
            SealingError: as of ``create``.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await require_common_key(connection, self._sealer)
            operator_id = await _locked_id(connection, name)
            before = await _seen(connection, operator_id)
            sealed = self._seal(operator_id, factor)
            await connection.execute(SET_TOTP, (sealed, factor.step, operator_id))
            for statement in (DELETE_SESSIONS, DELETE_ADDRESSES, UNLOCK):
                await connection.execute(statement, (operator_id,))
            await _replace_codes(connection, operator_id, factor)
            after = await _seen(connection, operator_id)
            await append(connection, actor, "operator.reset-totp", name, before, after)

    async def renew_recovery_codes(
        self, actor: Actor, name: str, salt: bytes, hashes: Sequence[bytes]
    ) -> None:
        """Replace all recovery codes of an operator.

        Raises:
            SessionEnded: the actor's session ended while the codes were hashed; whoever ended it,
                by another app or password, meant these codes too.
        """
        async with self._pool.connection() as connection, connection.transaction():
            operator_id = await _locked_id(connection, name)
            await hold_session(connection, actor)
            before = await _seen(connection, operator_id)
            await _replace_codes(connection, operator_id, NewFactor(b"", 0, salt, hashes))
            after = await _seen(connection, operator_id)
            await append(connection, actor, "operator.renew-recovery-codes", name, before, after)

    async def rehash(self, operator_id: str, stored: str, password_hash: str) -> None:
        """Replace a hash of the same password, unless the password was changed meanwhile."""
        async with self._pool.connection() as connection:
            await connection.execute(REHASH, (password_hash, operator_id, stored))

    def _seal(self, operator_id: str, factor: NewFactor) -> str:
        return self._sealer.seal_encrypted(factor.totp_secret, totp_context(operator_id))

    async def _change(
        self,
        actor: Actor,
        action: AuditAction,
        name: str,
        statements: Sequence[tuple[str, tuple[object, ...]]],
    ) -> None:
        """Run statements whose last parameter is the operator's id.

        Raises:
            NoSuchOperator: nobody has this name.
        """
        async with self._pool.connection() as connection, connection.transaction():
            operator_id = await _locked_id(connection, name)
            before = await _seen(connection, operator_id)
            for statement, parameters in statements:
                await connection.execute(statement, (*parameters, operator_id))
            after = await _seen(connection, operator_id)
            await append(connection, actor, action, name, before, after)


async def _locked_id(connection: Connection, name: str) -> str:
    row = await (await connection.execute(LOCK_ROW, (name,))).fetchone()
    if row is None:
        raise NoSuchOperator(f"no operator has the name {name!r}")
    return str(row[0])


async def _seen(connection: Connection, operator_id: str) -> dict[str, object]:
    """Return an operator as the audit trail hashes it.

    What the operator logs in with is part of it as a digest, so that a password, an app or recovery
    codes that were replaced show. It covers hashes with random salts and an encrypted secret, which
    a login (``rehash``) and a change of the key (its own entry) renew as well.
    """
    async with connection.cursor(row_factory=class_row(Operator)) as cursor:
        await cursor.execute(LIST + "WHERE operator_id = %s", (operator_id,))
        found = await cursor.fetchone()
    factors = await (await connection.execute(FACTORS, (operator_id,))).fetchone()
    assert found is not None
    return found._asdict() | {"factors_sha256": digest(factors)}


async def _insert_codes(connection: Connection, operator_id: str, hashes: Sequence[bytes]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(INSERT_CODE, [(operator_id, each) for each in hashes])


async def _replace_codes(connection: Connection, operator_id: str, factor: NewFactor) -> None:
    await connection.execute(SET_SALT, (factor.recovery_salt, operator_id))
    await connection.execute(DELETE_CODES, (operator_id,))
    await _insert_codes(connection, operator_id, factor.recovery_hashes)
