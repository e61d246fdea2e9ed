"""Addresses from which logins of an operator were accepted: what makes an attempt familiar.

The newest few are kept, and none for longer than a login makes them familiar.
"""

from infra.postgres.audit import Connection
from schemas.times import DAY_MS

KEPT_MS = 90 * DAY_MS
KEPT_MAX = 20  # of an operator
IS_FAMILIAR = """
SELECT EXISTS (
    SELECT FROM operator_addresses WHERE operator_id = %s AND address = %s AND seen_at_ms > %s)
"""
REMEMBER = """
INSERT INTO operator_addresses AS a (operator_id, address, seen_at_ms) VALUES (%s, %s, %s)
ON CONFLICT (operator_id, address) DO UPDATE SET seen_at_ms = excluded.seen_at_ms
WHERE excluded.seen_at_ms > a.seen_at_ms
"""
FORGET_OLD = """
DELETE FROM operator_addresses WHERE operator_id = %(operator_id)s AND (
    seen_at_ms <= %(before_ms)s
    OR address NOT IN (SELECT address FROM operator_addresses WHERE operator_id = %(operator_id)s
                       ORDER BY seen_at_ms DESC, address LIMIT %(kept)s))
"""


async def is_familiar(connection: Connection, operator_id: str, address: str, now_ms: int) -> bool:
    """Whether a login from this address was accepted in the last 90 days."""
    parameters = (operator_id, address, now_ms - KEPT_MS)
    row = await (await connection.execute(IS_FAMILIAR, parameters)).fetchone()
    return bool(row and row[0])


async def remember(connection: Connection, operator_id: str, address: str, now_ms: int) -> None:
    """Make an address familiar, and forget those that are too old or too many."""
    await connection.execute(REMEMBER, (operator_id, address, now_ms))
    old = {"operator_id": operator_id, "before_ms": now_ms - KEPT_MS, "kept": KEPT_MAX}
    await connection.execute(FORGET_OLD, old)
