"""Sessions of operators, by the hash of their token. Nothing is cached: an end counts at once."""

from typing import NamedTuple

from domain.identity.sessions import SessionLimits, SessionTimes, is_live
from infra.postgres.audit import Actor, append
from infra.postgres.pool import Pool
from infra.settings import Settings

MINUTE_MS = 60_000
SEEN_STEP_MS = MINUTE_MS  # a use is written at most once per this time

FIND = """
SELECT s.operator_id, o.name, o.role, s.started_at_ms, s.seen_at_ms, s.code_at_ms
FROM operator_sessions s JOIN operators o USING (operator_id)
WHERE s.token_sha256 = %s AND o.disabled_at_ms IS NULL
"""
SEE = "UPDATE operator_sessions SET seen_at_ms = %s WHERE token_sha256 = %s AND seen_at_ms < %s"
ROTATE = "UPDATE operator_sessions SET token_sha256 = %s, seen_at_ms = %s WHERE token_sha256 = %s"
DELETE = "DELETE FROM operator_sessions WHERE token_sha256 = %s"
DELETE_ALL = "DELETE FROM operator_sessions WHERE operator_id = %s"


class Session(NamedTuple):
    """A live session: whose it is, what they may do, and its times."""

    operator_id: str
    name: str
    role: str
    times: SessionTimes


def limits_of(settings: Settings) -> SessionLimits:
    """Return the limits that are set."""
    return SessionLimits(
        idle_ms=settings.operator_idle_minutes * MINUTE_MS,
        life_ms=settings.operator_session_hours * 60 * MINUTE_MS,
        recent_ms=settings.operator_code_minutes * MINUTE_MS,
    )


class SessionStore:
    """Finds, replaces and ends sessions."""

    def __init__(self, pool: Pool, limits: SessionLimits) -> None:
        self._pool = pool
        self._limits = limits

    def ended_before(self, now_ms: int) -> tuple[int, int]:
        """Return the start and the last use up to which sessions have ended at ``now_ms``."""
        return now_ms - self._limits.life_ms, now_ms - self._limits.idle_ms

    async def find(self, token_sha256: bytes, now_ms: int) -> Session | None:
        """Return the live session of an enabled operator; a use is noted by the minute."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(FIND, (token_sha256,))).fetchone()
            if row is None:
                return None
            operator_id, name, role, *times = row
            session = Session(operator_id, name, role, SessionTimes(*times))
            if not is_live(session.times, self._limits, now_ms):
                return None
            if now_ms - session.times.seen_at_ms >= SEEN_STEP_MS:
                await connection.execute(SEE, (now_ms, token_sha256, now_ms))
        return session

    async def rotate(self, token_sha256: bytes, new_token_sha256: bytes, now_ms: int) -> bool:
        """Replace the token of a session; False when another call has replaced or ended it."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(ROTATE, (new_token_sha256, now_ms, token_sha256))
            return cursor.rowcount == 1

    async def end(self, token_sha256: bytes, actor: Actor) -> None:
        """End one session."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(DELETE, (token_sha256,))
            await append(connection, actor.without_session(), "operator.logout", actor.name)

    async def end_all(self, operator_id: str, actor: Actor) -> int:
        """End all sessions of an operator; return how many there were."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(DELETE_ALL, (operator_id,))
            act = actor.without_session()
            await append(connection, act, "operator.logout-everywhere", actor.name)
            return cursor.rowcount
