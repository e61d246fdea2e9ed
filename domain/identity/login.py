"""An account and what somebody gives to log in -> whether it is accepted, and the account after it.

Wrong attempts are counted per account: the fifth within a minute locks it for 15 minutes, the
next time for twice as long, up to a day; 100 in a row lock it until somebody unlocks it. Only an
accepted attempt forgets them. NIST SP 800-63B-4, section 3.2.2, sets the 100.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from domain.identity.totp import steps_of
from schemas.times import AT_MS_MAX

MINUTE_MS = 60_000
FAILURES_A_MINUTE_MAX = 5
FAILURES_IN_A_ROW_MAX = 100
FIRST_LOCKOUT_MS = 15 * MINUTE_MS
LOCKOUT_MS_MAX = 24 * 60 * MINUTE_MS
FOR_EVER_MS = AT_MS_MAX


@dataclass(frozen=True, slots=True)
class Failures:
    """What is remembered of wrong attempts since the last accepted one.

    ``recent_at_ms``: those of the last minute, since the last lockout. ``lockouts``: in a row.
    """

    recent_at_ms: tuple[int, ...] = ()
    in_a_row: int = 0
    lockouts: int = 0
    locked_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """What decides about a login. ``recovery``: hashes of the recovery codes that are left."""

    secret: bytes
    last_step: int = -1
    failures: Failures = Failures()
    disabled: bool = False
    recovery: frozenset[bytes] = frozenset()


class Given(NamedTuple):
    """What somebody gave: a code of the app, or else the hash of a recovery code."""

    password_is_right: bool
    code: str | None = None
    recovery: bytes | None = None


class Outcome(Enum):
    """What became of an attempt; the value is a bounded metric label."""

    ACCEPTED = "accepted"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - the name of an outcome
    WRONG_CODE = "wrong_code"
    REPLAYED = "replayed"
    LOCKED = "locked"
    DISABLED = "disabled"

    @property
    def is_failure(self) -> bool:
        """Whether the attempt counts towards a lockout."""
        return self in (Outcome.WRONG_PASSWORD, Outcome.WRONG_CODE, Outcome.REPLAYED)


class Judgement(NamedTuple):
    """The outcome of an attempt, the account after it, and whether this attempt locked it."""

    outcome: Outcome
    account: Account
    locks: bool = False


def judge(account: Account, given: Given, at_ms: int) -> Judgement:
    """Judge one attempt at ``at_ms`` (Unix milliseconds).

    A locked or disabled account stays as it is, whatever is given.
    """
    if account.disabled:
        return Judgement(Outcome.DISABLED, account)
    if is_locked(account.failures, at_ms):
        return Judgement(Outcome.LOCKED, account)
    outcome, proven = _prove(account, given, at_ms)
    if outcome is Outcome.ACCEPTED:
        return Judgement(outcome, replace(proven, failures=Failures()))
    failures = after_failure(account.failures, at_ms)
    return Judgement(outcome, replace(account, failures=failures), is_locked(failures, at_ms))


def _prove(account: Account, given: Given, at_ms: int) -> tuple[Outcome, Account]:
    if not given.password_is_right:
        return Outcome.WRONG_PASSWORD, account
    if given.code is None:
        if given.recovery not in account.recovery:
            return Outcome.WRONG_CODE, account
        return Outcome.ACCEPTED, replace(account, recovery=account.recovery - {given.recovery})
    steps = steps_of(account.secret, given.code, at_ms)
    if not steps:
        return Outcome.WRONG_CODE, account
    # Two steps may have the same code, one in a million: where one of them was used, so was the
    # code, and where none was, all are used up.
    if steps[0] <= account.last_step:
        return Outcome.REPLAYED, account
    return Outcome.ACCEPTED, replace(account, last_step=steps[-1])


def is_locked(failures: Failures, at_ms: int) -> bool:
    """Whether the account is locked at ``at_ms``."""
    return at_ms < failures.locked_until_ms


def after_failure(failures: Failures, at_ms: int) -> Failures:
    """Return what is remembered after one more wrong attempt."""
    recent = (*(each for each in failures.recent_at_ms if each > at_ms - MINUTE_MS), at_ms)
    in_a_row = failures.in_a_row + 1
    if in_a_row >= FAILURES_IN_A_ROW_MAX:
        return Failures((), in_a_row, failures.lockouts + 1, FOR_EVER_MS)
    if len(recent) < FAILURES_A_MINUTE_MAX:
        return replace(failures, recent_at_ms=recent, in_a_row=in_a_row)
    until_ms = at_ms + lockout_ms(failures.lockouts)
    return Failures((), in_a_row, failures.lockouts + 1, until_ms)


def lockout_ms(lockouts: int) -> int:
    """Return how long the next lockout takes after ``lockouts`` in a row, milliseconds.

    >>> [lockout_ms(lockouts) // MINUTE_MS for lockouts in (0, 1, 2, 6, 7, 50)]
    [15, 30, 60, 960, 1440, 1440]
    """
    return min(FIRST_LOCKOUT_MS << min(lockouts, 16), LOCKOUT_MS_MAX)
