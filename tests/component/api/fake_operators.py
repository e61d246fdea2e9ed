"""Doubles of the stores of operators: the product's own rules over dictionaries."""

import asyncio
from dataclasses import dataclass, field

from domain.audit import EMPTY, digest, follow, head_of
from domain.identity.login import Account, Outcome, judge, judge_step_up
from domain.identity.sessions import SessionTimes, is_live
from domain.identity.totp import code_at, step_at
from infra.postgres.audit import SessionEnded
from infra.postgres.operator_logins import ENTRIES, note
from infra.postgres.operator_sessions import Session, limits_of
from infra.postgres.operators import Credentials
from infra.security.passwords import Cost, HashingBusy, PasswordHashing
from schemas.audit_entry import AuditFact

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
PASSWORD = "kestrel orbits the violet lamp"
SECRET = b"the secret of an app"
SALT = b"s" * 16


class CountingHashing(PasswordHashing):
    """Cheap hashes that are counted; ``busy`` refuses them all, ``takes_s`` is for each call."""

    def __init__(self):
        super().__init__(CHEAP)
        self.computed = []
        self.busy = False
        self.takes_s = 0.0

    async def is_right(self, password, stored):
        if self.busy:
            raise HashingBusy("too many passwords are being checked")
        self.computed.append("password")
        return await super().is_right(password, stored)

    async def hash_recovery(self, codes, salt):
        if self.busy:
            raise HashingBusy("too many passwords are being checked")
        self.computed.append("recovery code")
        await asyncio.sleep(self.takes_s)
        return await super().hash_recovery(codes, salt)


@dataclass
class FakeOperator:
    """One operator with everything that is stored of them."""

    operator_id: str
    role: str
    password_hash: str
    account: Account = field(default_factory=lambda: Account(SECRET))
    recovery_salt: bytes = SALT


class FakeOperatorWorld:
    """All operators, sessions and entries; stands for four stores."""

    def __init__(self, world):
        self.world = world
        self.operators = {}
        self.familiar = set()  # (operator id, address)
        self.live = {}  # token hash -> Session
        self.entries = []
        self.pauses = []
        self.passwords = CountingHashing()
        self.failing = None
        self.takes_s = 0.0  # to look a name up

    def add(self, name="ada", role="admin", **account):
        password_hash = self.passwords._hash(PASSWORD)
        self.operators[name] = FakeOperator(
            f"op_{name}", role, password_hash, Account(SECRET, **account)
        )
        return self.operators[name]

    def recovery_hashes(self, codes):
        return frozenset(self.passwords._raw(code, SALT) for code in codes)

    def code(self, away=0):
        return code_at(SECRET, step_at(self.world.now_ms) + away)

    def named(self, operator_id):
        return next(name for name, op in self.operators.items() if op.operator_id == operator_id)

    def hold_session(self, actor):
        """Raise where the actor's session is no more; doubles roll nothing back: call it first."""
        if actor.session_sha256 is not None and actor.session_sha256 not in self.live:
            raise SessionEnded(f"the session of {actor.name!r} has ended")

    def enter(self, actor, action, subject, after=None):
        self.hold_session(actor)
        fact = AuditFact(
            actor_kind=actor.kind, actor=actor.name, action=action, subject=subject,
            at_ms=self.world.now_ms, after_sha256=digest(after), request_id=actor.request_id,
            source=actor.source,
        )  # fmt: skip
        self.entries.append(follow(head_of(self.entries[-1]) if self.entries else EMPTY, fact))

    async def pause(self, seconds):
        self.pauses.append(seconds)

    async def find_credentials(self, name):
        self.world.database.touch()
        self.world.later(self.takes_s)
        found = self.operators.get(name)
        return found and Credentials(found.operator_id, found.password_hash, found.recovery_salt)

    async def rehash(self, operator_id, stored, password_hash):
        self.operators[self.named(operator_id)].password_hash = password_hash

    async def renew_recovery_codes(self, actor, name, salt, hashes):
        self.hold_session(actor)
        operator = self.operators[name]
        operator.recovery_salt = salt
        operator.account = Account(
            SECRET, operator.account.last_step, recovery=frozenset(hashes)
        )  # fmt: skip
        self.enter(actor, "operator.renew-recovery-codes", name)

    def open_seal(self):
        if self.failing:
            raise self.failing

    async def log_in(self, attempt, actor, now_ms):
        if attempt.given.password_is_right:
            self.open_seal()
        place = (attempt.operator_id, attempt.address)
        outcome = self.judged(
            attempt.operator_id, actor,
            lambda account: judge(
                account, attempt.given, now_ms, familiar=place in self.familiar
            ),
        )  # fmt: skip
        if outcome is Outcome.ACCEPTED:
            self.familiar.add(place)
            code_at_ms = now_ms if attempt.given.code is not None else 0
            self.open(attempt.operator_id, attempt.token_sha256, now_ms, code_at_ms)
            used = "operator.login" if attempt.given.code else "operator.use-recovery-code"
            self.enter(actor, used, actor.name)
        return outcome

    def open(self, operator_id, token_sha256, now_ms, code_at_ms):
        name = self.named(operator_id)
        times = SessionTimes(now_ms, now_ms, code_at_ms)
        self.live[token_sha256] = Session(operator_id, name, self.operators[name].role, times)

    def judged(self, operator_id, actor, judge_account):
        operator = self.operators[self.named(operator_id)]
        judgement = judge_account(operator.account)
        operator.account = judgement.account
        if judgement.outcome in ENTRIES:
            self.enter(actor, ENTRIES[judgement.outcome], actor.name)
        if judgement.locks:
            self.enter(actor, "operator.lockout", actor.name)
        note(actor, judgement)
        return judgement.outcome

    async def step_up(self, step, actor, now_ms):
        actor = actor.without_session()
        self.open_seal()
        outcome = self.judged(
            step.operator_id, actor, lambda account: judge_step_up(account, step.code, now_ms)
        )
        if outcome is Outcome.ACCEPTED:
            session = self.live.pop(step.token_sha256, None)
            if session is None:
                return None
            times = SessionTimes(session.times.started_at_ms, now_ms, now_ms)
            self.live[step.new_token_sha256] = session._replace(times=times)
            self.enter(actor, "operator.step-up", actor.name)
        return outcome

    async def find(self, token_sha256, now_ms):
        self.world.database.touch()
        session = self.live.get(token_sha256)
        if session is None or self.operators[session.name].account.disabled:
            return None
        if not is_live(session.times, limits_of(self.world.settings), now_ms):
            return None
        times = session.times
        seen = SessionTimes(times.started_at_ms, now_ms, times.code_at_ms)
        self.live[token_sha256] = session._replace(times=seen)
        return session

    async def rotate(self, token_sha256, new_token_sha256, now_ms):
        session = self.live.pop(token_sha256, None)
        if session is None:
            return False
        self.live[new_token_sha256] = session
        return True

    async def end(self, token_sha256, actor):
        self.live.pop(token_sha256, None)
        self.enter(actor.without_session(), "operator.logout", actor.name)

    async def end_all(self, operator_id, actor):
        ended = [key for key, each in self.live.items() if each.operator_id == operator_id]
        for key in ended:
            del self.live[key]
        self.enter(actor.without_session(), "operator.logout-everywhere", actor.name)
        return len(ended)

    async def page(self, wanted, limit):
        self.world.database.touch()
        found = [
            each for each in reversed(self.entries)
            if wanted.actor in (None, each.actor) and wanted.action in (None, each.action)
            and (wanted.since_ms is None or each.at_ms >= wanted.since_ms)
            and (wanted.before is None or each.sequence < wanted.before)
        ]  # fmt: skip
        return found[:limit]
