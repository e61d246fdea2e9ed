"""Every column that holds sealed secrets; after a change of key all are sealed anew."""

from collections.abc import Callable
from typing import NamedTuple

from psycopg import sql

from infra.postgres.audit import Actor, Connection, append
from infra.postgres.operators import totp_context
from infra.postgres.pool import Pool
from infra.postgres.receipt_keys import receipt_key_context
from infra.postgres.signing_keys import signing_key_context
from infra.security.sealing import Sealer


class SealedColumn(NamedTuple):
    """One column: its table's key, and what makes the context of a secret: of which column."""

    table: str
    key: str
    owner: str
    column: str
    context: Callable[[str], str]


COLUMNS = (
    SealedColumn("partner_secrets", "secret_id", "partner", "sealed", str),
    SealedColumn("operators", "operator_id", "operator_id", "sealed_totp", totp_context),
    SealedColumn("signing_keys", "kid", "kid", "sealed", signing_key_context),
    SealedColumn("receipt_keys", "key_id", "key_id", "sealed", receipt_key_context),
)


async def reseal(pool: Pool, sealer: Sealer, actor: Actor) -> dict[str, int]:
    """Seal all secrets with the current key; return how many were changed, by table.

    One transaction: either all of them are, or none.

    Raises:
        SealingError: one cannot be opened with the keys that are set.
    """
    async with pool.connection() as connection, connection.transaction():
        changed = {each.table: await _reseal_column(connection, sealer, each) for each in COLUMNS}
        await append(connection, actor, "secrets.rotate", "all", None, changed)
    return changed


async def _reseal_column(connection: Connection, sealer: Sealer, column: SealedColumn) -> int:
    names = {
        "table": sql.Identifier(column.table),
        "key": sql.Identifier(column.key),
        "owner": sql.Identifier(column.owner),
        "sealed": sql.Identifier(column.column),
    }
    select = sql.SQL("SELECT {key}, {owner}, {sealed} FROM {table} ORDER BY {key} FOR UPDATE")
    update = sql.SQL("UPDATE {table} SET {sealed} = %s WHERE {key} = %s")
    rows = await (await connection.execute(select.format(**names))).fetchall()
    pending = []
    for key, owner, sealed in rows:
        context = column.context(owner)
        secret = sealer.open(sealed, context)
        if not sealer.is_current(sealed):
            pending.append((sealer.seal(secret, context), key))
    async with connection.cursor() as cursor:
        await cursor.executemany(update.format(**names), pending)
    return len(pending)
