"""One attempt of an operator = one transaction: judged, counted, entered, and its session opened.

The row is locked while ``domain.identity.login`` judges, so attempts of one account come one after
the other, whichever process they reach: the fifth wrong one locks for all, and a code works once.
"""

from collections.abc import Callable
from typing import NamedTuple

from domain.identity.lockout import Counts, Failures
from domain.identity.login import Account, Given, Judgement, Outcome, judge, judge_step_up
from domain.identity.sessions import SessionTimes
from infra import metrics
from infra.postgres.audit import Actor, Connection, append
from infra.postgres.operator_addresses import is_familiar, remember
from infra.postgres.pool import Pool
from infra.postgres.sealed_columns import totp_context
from infra.security.events import Event, log_event
from infra.security.sealing import Sealer
from schemas.audit_entry import AuditAction

LOCK_ACCOUNT = """
SELECT password_hash, sealed_totp, last_step, disabled_at_ms IS NOT NULL,
       failed_at_ms, failures_in_a_row, lockouts, locked_until_ms,
       familiar_failed_at_ms, familiar_failures_in_a_row, familiar_lockouts,
       familiar_locked_until_ms,
       step_up_failed_at_ms, step_up_failures_in_a_row, step_up_lockouts, step_up_locked_until_ms
FROM operators WHERE operator_id = %s FOR UPDATE
"""
# A statement of its own: what waited for the lock sees the row as it is now, but other tables as
# they were when it began to wait.
RECOVERY = "SELECT code_hash FROM operator_recovery_codes WHERE operator_id = %s"
SAVE_COUNTS = """
UPDATE operators
SET failed_at_ms = %s, failures_in_a_row = %s, lockouts = %s, locked_until_ms = %s,
    familiar_failed_at_ms = %s, familiar_failures_in_a_row = %s, familiar_lockouts = %s,
    familiar_locked_until_ms = %s,
    step_up_failed_at_ms = %s, step_up_failures_in_a_row = %s, step_up_lockouts = %s,
    step_up_locked_until_ms = %s
WHERE operator_id = %s
"""
# The lock above makes the guard true; it stays, as the one thing that a used code cannot pass.
USE_STEP = "UPDATE operators SET last_step = %s WHERE operator_id = %s AND last_step < %s"
USE_RECOVERY = (
    "DELETE FROM operator_recovery_codes WHERE operator_id = %s AND code_hash = ANY(%s::bytea[])"
)
DELETE_ENDED = """
DELETE FROM operator_sessions
WHERE operator_id = %s AND (started_at_ms <= %s OR seen_at_ms <= %s)
"""
INSERT_SESSION = """
INSERT INTO operator_sessions (token_sha256, operator_id, started_at_ms, seen_at_ms, code_at_ms)
VALUES (%s, %s, %s, %s, %s)
"""
ROTATE_WITH_CODE = """
UPDATE operator_sessions SET token_sha256 = %s, seen_at_ms = %s, code_at_ms = %s
WHERE token_sha256 = %s AND operator_id = %s
"""
NOT_OPENED = b""
EVENTS = {
    Outcome.ACCEPTED: Event.LOGIN,
    Outcome.REPLAYED: Event.CODE_REPLAYED,
    Outcome.LOCKED: Event.LOGIN_LOCKED,
}
ENTRIES: dict[Outcome, AuditAction] = {
    Outcome.WRONG_PASSWORD: "operator.login-failed",
    Outcome.WRONG_CODE: "operator.login-failed",
    Outcome.REPLAYED: "operator.code-replayed",
}  # not of locked and disabled accounts: their attempts are without number


class LoginAttempt(NamedTuple):
    """Who tries, with what, and the hash of the token that a new session would have.

    ``password_hash`` is what the password was checked against: if it is no longer the operator's,
    the password was changed meanwhile, and is wrong. ``address``: what counts as the caller's.
    """

    operator_id: str
    given: Given
    token_sha256: bytes
    password_hash: str
    address: str


class StepUp(NamedTuple):
    """A code given within a session, and the hashes of its token and of the one that follows."""

    operator_id: str
    code: str
    token_sha256: bytes
    new_token_sha256: bytes


class LoginStore:
    """Judges attempts against the accounts in Postgres.

    ``ended_before``: time -> (start, last use) of sessions that have ended by then; a login removes
    those of its operator.
    """

    def __init__(
        self, pool: Pool, sealer: Sealer, ended_before: Callable[[int], tuple[int, int]]
    ) -> None:
        self._pool = pool
        self._sealer = sealer
        self._ended_before = ended_before

    async def log_in(self, attempt: LoginAttempt, actor: Actor, now_ms: int) -> Outcome:
        """Judge a login; an accepted one has its session when this returns.

        Raises:
            SealingError: the password is right, but the app's secret cannot be opened with the keys
                that are set; then nothing is counted and nothing entered.
        """
        operator_id, given, token_sha256, checked, address = attempt
        async with self._pool.connection() as connection, connection.transaction():
            password_hash, account = await self._lock(connection, operator_id, given)
            right = given.password_is_right and password_hash == checked
            given = given._replace(password_is_right=right)
            familiar = await is_familiar(connection, operator_id, address, now_ms)
            judgement = judge(account, given, now_ms, familiar=familiar)
            await save(connection, operator_id, account, judgement.account)
            if judgement.outcome is Outcome.ACCEPTED:
                code_at_ms = now_ms if given.code is not None else 0
                times = SessionTimes(now_ms, now_ms, code_at_ms)
                ended = (operator_id, *self._ended_before(now_ms))
                await connection.execute(DELETE_ENDED, ended)
                await open_session(connection, operator_id, token_sha256, times)
                await remember(connection, operator_id, address, now_ms)
                action: AuditAction = (
                    "operator.login" if given.code else "operator.use-recovery-code"
                )
                await append(connection, actor, action, actor.name)
            else:
                await enter_failure(connection, actor, judgement)
        note(actor, judgement)
        return judgement.outcome

    async def step_up(self, step: StepUp, actor: Actor, now_ms: int) -> Outcome | None:
        """Judge a code given within a session; where it is accepted, the token is replaced.

        Whoever has a session has logged in: attempts to log in count for nothing here.

        Returns: None when the session has ended meanwhile; it is not brought back.

        Raises:
            SealingError: the app's secret cannot be opened with the keys that are set.
        """
        given = Given(password_is_right=True, code=step.code)
        actor = actor.without_session()  # its token is replaced, and that finds out by itself
        async with self._pool.connection() as connection, connection.transaction():
            _, account = await self._lock(connection, step.operator_id, given)
            judgement = judge_step_up(account, step.code, now_ms)
            await save(connection, step.operator_id, account, judgement.account)
            if judgement.outcome is Outcome.ACCEPTED:
                rotated = await connection.execute(
                    ROTATE_WITH_CODE,
                    (step.new_token_sha256, now_ms, now_ms, step.token_sha256, step.operator_id),
                )
                if rotated.rowcount == 0:
                    return None
                await append(connection, actor, "operator.step-up", actor.name)
            else:
                await enter_failure(connection, actor, judgement)
        note(actor, judgement)
        return judgement.outcome

    async def _lock(
        self, connection: Connection, operator_id: str, given: Given
    ) -> tuple[str, Account]:
        """Return the password's hash and the account, locked until the transaction ends.

        The app's secret is only opened for a right password: for a wrong one nobody needs it, and a
        key that is missing must make no difference between names.
        """
        row = await (await connection.execute(LOCK_ACCOUNT, (operator_id,))).fetchone()
        assert row is not None, "operators are never removed"
        password_hash, sealed, last_step, disabled, *counts = row
        codes = []
        if given.recovery is not None:
            codes = await (await connection.execute(RECOVERY, (operator_id,))).fetchall()
        secret = NOT_OPENED
        if given.password_is_right:
            secret = self._sealer.open_encrypted(sealed, totp_context(operator_id))
        return password_hash, Account(
            secret=secret,
            last_step=last_step,
            counts=Counts(*(_failures(*counts[at : at + 4]) for at in (0, 4, 8))),
            disabled=disabled,
            recovery=frozenset(bytes(code) for (code,) in codes),
        )


async def save(connection: Connection, operator_id: str, before: Account, after: Account) -> None:
    """Write what an attempt changed of an account."""
    if after.counts != before.counts:
        counts = after.counts
        kinds = (counts.strange, counts.familiar, counts.step_ups)
        values = [value for each in kinds for value in _columns(each)]
        await connection.execute(SAVE_COUNTS, (*values, operator_id))
    if after.last_step != before.last_step:
        used = await connection.execute(USE_STEP, (after.last_step, operator_id, after.last_step))
        assert used.rowcount == 1
    spent = before.recovery - after.recovery
    if spent:
        await connection.execute(USE_RECOVERY, (operator_id, list(spent)))


def _failures(recent: list[int], in_a_row: int, lockouts: int, until_ms: int) -> Failures:
    return Failures(tuple(recent), in_a_row, lockouts, until_ms)


def _columns(failures: Failures) -> tuple[list[int], int, int, int]:
    recent = list(failures.recent_at_ms)
    return recent, failures.in_a_row, failures.lockouts, failures.locked_until_ms


async def open_session(
    connection: Connection, operator_id: str, token_sha256: bytes, times: SessionTimes
) -> None:
    """Add a session."""
    await connection.execute(
        INSERT_SESSION,
        (token_sha256, operator_id, times.started_at_ms, times.seen_at_ms, times.code_at_ms),
    )


async def enter_failure(connection: Connection, actor: Actor, judgement: Judgement) -> None:
    """Add the entries of an attempt that was not accepted."""
    action = ENTRIES.get(judgement.outcome)
    if action is not None:
        await append(connection, actor, action, actor.name)
    if judgement.locks:
        counts = judgement.account.counts
        until = {
            "locked_until_ms": counts.strange.locked_until_ms,
            "familiar_locked_until_ms": counts.familiar.locked_until_ms,
            "step_up_locked_until_ms": counts.step_ups.locked_until_ms,
        }
        await append(connection, actor, "operator.lockout", actor.name, None, until)


def note(actor: Actor, judgement: Judgement) -> None:
    """Count and log an attempt that is written."""
    metrics.OPERATOR_LOGINS.labels(judgement.outcome.value).inc()
    log_event(EVENTS.get(judgement.outcome, Event.LOGIN_FAILED), actor.name, actor.source or "")
    if judgement.locks:
        metrics.OPERATOR_LOCKOUTS.inc()
        log_event(Event.LOGIN_LOCKED, actor.name, "too many wrong attempts")
