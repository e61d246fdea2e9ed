"""Every column that holds sealed secrets: with which keys, and how they change to another.

A secret sealed with a key that the other processes do not have is lost to them. So whoever seals
one first makes sure, in the same transaction, that its keys open all that is stored.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from psycopg import sql
from psycopg.pq import TransactionStatus

from infra.postgres.audit import Actor, Connection, append
from infra.postgres.pool import Pool
from infra.security.sealing import CURRENT, LOST, OLD, Sealer, SealingError, key_id_of

log = logging.getLogger(__name__)

ADVISORY_LOCK = 0x6D67_7365_616C  # one after the other: the first of two keys decides
LOCK = "SELECT pg_advisory_xact_lock(%s)"
# One secret for each key: the text of a secret without its last part names the key.
ONE_OF_EACH_KEY = """
SELECT DISTINCT ON (regexp_replace({sealed}, '[^:]*$', '')) {owner}, {name}, {sealed} FROM {table}
"""


class SealedColumn(NamedTuple):
    """One column of a table, and whose a secret is: for people, and as it was sealed.

    ``owner`` is the column that ``context`` makes the context of; ``name`` is the one that people
    know the owner by.
    """

    table: str
    key: str
    owner: str
    column: str
    context: Callable[[str], str]
    kind: str
    name: str

    def identifiers(self) -> dict[str, sql.Identifier]:
        """Return its names for a statement."""
        return {
            "table": sql.Identifier(self.table),
            "key": sql.Identifier(self.key),
            "owner": sql.Identifier(self.owner),
            "sealed": sql.Identifier(self.column),
            "name": sql.Identifier(self.name),
        }


def totp_context(operator_id: str) -> str:
    """Return the context that an operator's app secret is sealed with."""
    return f"operator:{operator_id}"


def signing_key_context(kid: str) -> str:
    """Return what the secret of a signing key is bound to."""
    return f"signing-key:{kid}"


def receipt_key_context(key_id: str) -> str:
    """Return what the secret of a receipt key is bound to."""
    return f"receipt-key:{key_id}"


COLUMNS = (
    SealedColumn("partner_secrets", "secret_id", "partner", "sealed", str, "partner", "partner"),
    SealedColumn(
        "operators", "operator_id", "operator_id", "sealed_totp", totp_context, "operator", "name"
    ),
    SealedColumn("signing_keys", "kid", "kid", "sealed", signing_key_context, "signing key", "kid"),
    SealedColumn(
        "receipt_keys", "key_id", "key_id", "sealed", receipt_key_context, "receipt key", "key_id"
    ),
)


class KeyMismatch(SealingError):
    """What would be sealed now could not be opened by whoever opens what is stored."""


async def require_common_key(connection: Connection, sealer: Sealer) -> None:
    """Make sure that ``sealer`` may seal: its keys open every stored secret, lost ones aside.

    Call it first in the transaction that stores the secret: others that seal wait for its end.

    Raises:
        KeyMismatch: a secret is sealed with a key that is not set, or encrypted and there is none.
        RuntimeError: there is no transaction.
    """
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise RuntimeError("keys are compared in the transaction that stores what they sealed")
    await connection.execute(LOCK, (ADVISORY_LOCK,))
    for column in COLUMNS:
        select = sql.SQL(ONE_OF_EACH_KEY).format(**column.identifiers())
        for owner, name, sealed in await (await connection.execute(select)).fetchall():
            if not sealer.is_lost(sealed) and not sealer.can_open(sealed, column.context(owner)):
                raise KeyMismatch(_mismatch(f"{column.kind} {name}", sealed, sealer))


def warn_of_plain(sealer: Sealer, whose: str) -> None:
    """Log that a secret is stored as it is, where there is no key."""
    if not sealer.has_key:
        log.warning(
            "%s: its secret is stored UNENCRYPTED, because %s is not set; set it, here and for the "
            "API, and run `media-gateway secrets rotate`", whose, CURRENT,
        )  # fmt: skip


async def reseal(pool: Pool, sealer: Sealer, actor: Actor) -> dict[str, int]:
    """Seal all secrets with the current key; return how many were changed, by table.

    One transaction: either all of them are, or none. Those of lost keys stay as they are.

    Raises:
        SealingError: one cannot be opened with the keys that are set; it says whose.
    """
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(LOCK, (ADVISORY_LOCK,))
        changed = {each.table: await _reseal_column(connection, sealer, each) for each in COLUMNS}
        await append(connection, actor, "secrets.rotate", "all", None, changed)
    return changed


async def _reseal_column(connection: Connection, sealer: Sealer, column: SealedColumn) -> int:
    names = column.identifiers()
    select = sql.SQL(
        "SELECT {key}, {owner}, {name}, {sealed} FROM {table} ORDER BY {key} FOR UPDATE"
    )
    update = sql.SQL("UPDATE {table} SET {sealed} = %s WHERE {key} = %s")
    rows = await (await connection.execute(select.format(**names))).fetchall()
    pending = []
    for key, owner, name, sealed in rows:
        if sealer.is_current(sealed) or sealer.is_lost(sealed):
            continue
        context = column.context(owner)
        try:
            secret = sealer.open(sealed, context)
        except SealingError as error:
            raise SealingError(f"{column.kind} {name}: {error}") from error
        pending.append((sealer.seal(secret, context), key))
    async with connection.cursor() as cursor:
        await cursor.executemany(update.format(**names), pending)
    return len(pending)


def _mismatch(whose: str, sealed: str, sealer: Sealer) -> str:
    named = key_id_of(sealed)
    key = f"the key {named}" if named else "a key"
    if not sealer.has_key:
        return (
            f"the secret of {whose} is sealed with {key}, and {CURRENT} is not set: nothing is "
            "stored unencrypted beside it"
        )
    lost = f"; if that key is lost, name it in {LOST}" if named else ""
    return (
        f"the secret of {whose} is sealed with {key}, which is neither in {CURRENT} nor in {OLD}: "
        f"what is sealed with another one could not be opened where that one is set{lost}"
    )
