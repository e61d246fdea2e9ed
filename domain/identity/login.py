"""An account and what somebody gives to log in -> whether it is accepted, and the account after it.

Wrong attempts are counted per account, apart for addresses that are familiar to it and for codes
within a session; what the counts lead to is in ``domain.identity.lockout``.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

from domain.identity.lockout import Counts
from domain.identity.totp import steps_of


@dataclass(frozen=True, slots=True)
class Account:
    """What decides about a login. ``recovery``: hashes of the recovery codes that are left."""

    secret: bytes
    last_step: int = -1
    counts: Counts = field(default_factory=Counts)
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


class Judgement(NamedTuple):
    """The outcome of an attempt, the account after it, and whether this attempt locked it.

    ``locks``: it began a lockout, of familiar or of strange addresses or of step-ups.
    """

    outcome: Outcome
    account: Account
    locks: bool = False


def judge(account: Account, given: Given, at_ms: int, *, familiar: bool) -> Judgement:
    """Judge one attempt at ``at_ms`` (Unix milliseconds).

    A disabled account stays as it is, whatever is given, and so does one that is locked for
    addresses like the one that the attempt comes from: familiar or strange.
    """
    if account.disabled:
        return Judgement(Outcome.DISABLED, account)
    if account.counts.refuse(familiar=familiar, at_ms=at_ms):
        return Judgement(Outcome.LOCKED, account)
    outcome, proven = _prove(account, given, at_ms)
    if outcome is Outcome.ACCEPTED:
        counts = account.counts.after_success(familiar=familiar)
        return Judgement(outcome, replace(proven, counts=counts))
    counts = account.counts.after_failure(familiar=familiar, at_ms=at_ms)
    return Judgement(outcome, replace(account, counts=counts), counts.began(account.counts))


def judge_step_up(account: Account, code: str, at_ms: int) -> Judgement:
    """Judge a code given within a live session at ``at_ms`` (Unix milliseconds).

    Attempts to log in neither hinder it nor are hindered by it.
    """
    if account.disabled:
        return Judgement(Outcome.DISABLED, account)
    if account.counts.refuse_step_up(at_ms):
        return Judgement(Outcome.LOCKED, account)
    outcome, proven = _prove(account, Given(password_is_right=True, code=code), at_ms)
    if outcome is Outcome.ACCEPTED:
        return Judgement(outcome, replace(proven, counts=account.counts.after_step_up()))
    counts = account.counts.after_wrong_step_up(at_ms)
    return Judgement(outcome, replace(account, counts=counts), counts.began(account.counts))


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
