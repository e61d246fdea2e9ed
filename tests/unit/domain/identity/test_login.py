"""Attempts to log in: what is accepted, what locks and for how long; a naive second account.

Where nothing else is said, attempts come from strange addresses.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import login
from domain.identity.lockout import FOR_EVER_MS, MINUTE_MS, Counts
from domain.identity.login import Account, Given, Judgement, Outcome, judge_step_up
from domain.identity.totp import code_at, step_at
from tests.support.naive_login import NaiveAccount

NOW_MS = 1_767_300_000_000
SECRET = b"an account's secret."
SEQUENCES = 1500
ATTEMPTS = 60
RECOVERY = frozenset(bytes([number]) * 32 for number in range(10))


def an_account(**changes) -> Account:
    return Account(SECRET, recovery=RECOVERY, **changes)


def code(at_ms: int, away: int = 0) -> str:
    return code_at(SECRET, step_at(at_ms) + away)


def right(at_ms: int, away: int = 0) -> Given:
    return Given(True, code(at_ms, away))


WRONG = Given(False, "000000")


def judge(account: Account, given: Given, at_ms: int, *, familiar: bool = False) -> Judgement:
    return login.judge(account, given, at_ms, familiar=familiar)


def locked(account: Account, at_ms: int, *, familiar: bool = False) -> bool:
    return judge(account, WRONG, at_ms, familiar=familiar).outcome is Outcome.LOCKED


def fail(account: Account, at_ms: int, times: int = 1) -> Account:
    for _ in range(times):
        account = judge(account, Given(False), at_ms).account
    return account


def test_a_right_password_and_a_fresh_code_are_accepted_once() -> None:
    first = judge(an_account(), right(NOW_MS), NOW_MS)
    assert first.outcome is Outcome.ACCEPTED
    assert first.account.last_step == step_at(NOW_MS)
    again = judge(first.account, right(NOW_MS), NOW_MS + 29_000)
    assert again.outcome is Outcome.REPLAYED
    assert judge(first.account, right(NOW_MS, 1), NOW_MS).outcome is Outcome.ACCEPTED


def test_an_older_code_of_the_window_is_used_up_by_a_newer_one() -> None:
    newer = judge(an_account(), right(NOW_MS, 1), NOW_MS).account
    assert judge(newer, right(NOW_MS, 0), NOW_MS).outcome is Outcome.REPLAYED
    assert judge(newer, right(NOW_MS, -1), NOW_MS).outcome is Outcome.REPLAYED


def test_a_recovery_code_works_once_and_leaves_the_steps() -> None:
    given = Given(True, None, min(RECOVERY))
    judgement = judge(an_account(last_step=7), given, NOW_MS)
    assert judgement.outcome is Outcome.ACCEPTED
    assert judgement.account.last_step == 7
    assert len(judgement.account.recovery) == len(RECOVERY) - 1
    assert judge(judgement.account, given, NOW_MS).outcome is Outcome.WRONG_CODE


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (Given(False, code(NOW_MS)), Outcome.WRONG_PASSWORD),
        (Given(False, None, min(RECOVERY)), Outcome.WRONG_PASSWORD),
        (Given(True, code(NOW_MS, 2)), Outcome.WRONG_CODE),
        (Given(True, ""), Outcome.WRONG_CODE),
        (Given(True), Outcome.WRONG_CODE),
        (Given(True, None, b"x" * 32), Outcome.WRONG_CODE),
    ],
)
def test_what_lacks_a_part_is_counted(given: Given, outcome: Outcome) -> None:
    judgement = judge(an_account(), given, NOW_MS)
    assert judgement.outcome is outcome
    assert judgement.account.counts.strange.in_a_row == 1
    assert judgement.account.recovery == RECOVERY


def test_the_fifth_failure_of_a_minute_locks_and_the_right_code_is_refused() -> None:
    four = fail(an_account(), NOW_MS, 4)
    assert not locked(four, NOW_MS)
    fifth = judge(four, WRONG, NOW_MS)
    assert fifth.locks
    end_ms = NOW_MS + 15 * MINUTE_MS
    assert fifth.account.counts.strange.locked_until_ms == end_ms
    assert judge(fifth.account, right(NOW_MS), end_ms - 1).outcome is Outcome.LOCKED
    assert judge(fifth.account, right(end_ms), end_ms).outcome is Outcome.ACCEPTED


def test_strangers_do_not_lock_out_the_owner() -> None:
    account = fail(an_account(), NOW_MS, 5)
    assert locked(account, NOW_MS + MINUTE_MS)
    later_ms = NOW_MS + MINUTE_MS  # until then the minute has its five attempts
    assert locked(account, later_ms - 1, familiar=True)
    owner = judge(account, right(later_ms), later_ms, familiar=True)
    assert owner.outcome is Outcome.ACCEPTED
    assert locked(owner.account, later_ms)  # and the owner does not let strangers in


def test_a_failure_that_is_a_minute_old_does_not_count() -> None:
    account = fail(an_account(), NOW_MS)
    account = fail(account, NOW_MS + MINUTE_MS, 4)
    assert not locked(account, NOW_MS + MINUTE_MS)
    assert locked(fail(account, NOW_MS + MINUTE_MS), NOW_MS + MINUTE_MS)


def test_lockouts_double_up_to_a_day_and_a_success_forgets_them() -> None:
    account, now_ms, minutes = an_account(), NOW_MS, []
    for _ in range(8):
        account = fail(account, now_ms, 5)
        minutes.append((account.counts.strange.locked_until_ms - now_ms) // MINUTE_MS)
        now_ms = account.counts.strange.locked_until_ms
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440]
    account = judge(account, right(now_ms), now_ms).account
    assert account.counts == Counts()
    until_ms = fail(account, now_ms, 5).counts.strange.locked_until_ms
    assert until_ms - now_ms == 15 * MINUTE_MS


def test_forty_five_failures_in_a_row_lock_for_ever_however_slow() -> None:
    account, now_ms = an_account(), NOW_MS
    for number in range(1, 46):
        assert not locked(account, now_ms), number
        account = fail(account, now_ms)
        now_ms += MINUTE_MS
    assert account.counts.strange.locked_until_ms == FOR_EVER_MS
    assert judge(account, right(FOR_EVER_MS - 1), FOR_EVER_MS - 1).outcome is Outcome.LOCKED
    assert judge(account, right(now_ms), now_ms, familiar=True).outcome is Outcome.ACCEPTED


def test_a_step_up_is_hindered_by_wrong_step_ups_alone() -> None:
    account = fail(an_account(), NOW_MS, 5)
    stepped = judge_step_up(account, code(NOW_MS), NOW_MS)
    assert stepped.outcome is Outcome.ACCEPTED
    assert judge_step_up(stepped.account, code(NOW_MS), NOW_MS).outcome is Outcome.REPLAYED
    account = an_account()
    for _ in range(5):
        judgement = judge_step_up(account, "000000", NOW_MS)
        assert judgement.outcome is Outcome.WRONG_CODE
        account = judgement.account
    assert judgement.locks
    assert judge_step_up(account, code(NOW_MS), NOW_MS) == (Outcome.LOCKED, account, False)
    for familiar in (True, False):
        assert judge(account, right(NOW_MS), NOW_MS, familiar=familiar).outcome is Outcome.ACCEPTED
    disabled = an_account(disabled=True)
    assert judge_step_up(disabled, code(NOW_MS), NOW_MS) == (Outcome.DISABLED, disabled, False)


def test_a_locked_or_disabled_account_stays_as_it_is() -> None:
    full = fail(an_account(), NOW_MS, 5)
    disabled = an_account(disabled=True)
    for account, outcome in ((full, Outcome.LOCKED), (disabled, Outcome.DISABLED)):
        for attempt in (right(NOW_MS), WRONG, Given(True, None, min(RECOVERY))):
            assert judge(account, attempt, NOW_MS) == (outcome, account, False)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.integers(0, 29_999))
def test_no_code_is_ever_accepted_twice(aways: list[int], inside_ms: int) -> None:
    account, accepted = an_account(), []
    for number, away in enumerate(aways):
        now_ms = NOW_MS + number * 10_000 + inside_ms
        step = step_at(now_ms) + away
        judgement = judge(account, Given(True, code_at(SECRET, step)), now_ms)
        account = judgement.account
        if judgement.outcome is Outcome.ACCEPTED:
            accepted.append(step)
    assert accepted == sorted(set(accepted))


def random_attempt(rng: random.Random, now_ms: int, seen: list[str]) -> Given:
    kind = rng.random()
    if kind < 0.12:
        return Given(rng.random() < 0.7, None, rng.choice([*sorted(RECOVERY), b"y" * 32]))
    if kind < 0.55:
        return Given(rng.random() < 0.6, code(now_ms, rng.randrange(-3, 4)))
    if kind < 0.7 and seen:
        return Given(True, rng.choice(seen[-3:]))
    return Given(
        rng.random() < 0.5,
        rng.choice(["", "12345", "\uff11\uff12\uff13456", f"{rng.random():.6f}"]),
    )


def test_thousands_of_random_sequences_end_as_a_naive_account_says() -> None:
    outcomes = dict.fromkeys(Outcome, 0)
    for seed in range(SEQUENCES):
        rng = random.Random(seed)
        account, naive = an_account(), NaiveAccount(SECRET, set(RECOVERY))
        patience, share = rng.choice([200, 5_000, 40_000]), rng.choice([0, 0.2, 0.5, 1])
        now_ms, seen = NOW_MS, []
        for number in range(ATTEMPTS):
            long_pause = rng.random() < 0.05
            now_ms += rng.randrange(40 * MINUTE_MS) if long_pause else rng.randrange(patience)
            attempt = random_attempt(rng, now_ms, seen)
            seen += [attempt.code] if attempt.code else []
            familiar = rng.random() < share
            judgement = judge(account, attempt, now_ms, familiar=familiar)
            said = naive.attempt(*attempt, now_ms, familiar)
            assert judgement.outcome.value == said, (seed, number, attempt, familiar)
            account = judgement.account
            outcomes[judgement.outcome] += 1
        assert account.recovery == naive.recovery
    never = {outcome for outcome, count in outcomes.items() if count == 0}
    assert never == {Outcome.DISABLED}
