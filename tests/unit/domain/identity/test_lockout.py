"""Counts of strange and familiar addresses: what no sequence of attempts can bring about."""

from dataclasses import replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from domain.identity.lockout import (
    FAILURES_IN_A_ROW_MAX,
    FIRST_LOCKOUT_MS,
    FOR_EVER_MS,
    MINUTE_MS,
    STEP_UPS_IN_A_ROW_MAX,
    Counts,
    Failures,
    is_locked,
)

NOW_MS = 1_767_300_000_000


class Attempt(NamedTuple):
    """``pause_ms`` after the one before it."""

    pause_ms: int
    familiar: bool
    right: bool


def attempts(*, right: st.SearchStrategy[bool]) -> st.SearchStrategy[list[Attempt]]:
    pauses = st.one_of(st.integers(0, 5_000), st.integers(0, 90_000), st.integers(0, 2**25))
    return st.lists(st.builds(Attempt, pauses, st.booleans(), right), max_size=200)


WRONG_ONES = attempts(right=st.just(False))
ANY = attempts(right=st.booleans())


class Played(NamedTuple):
    """The counts at the end, when, and the (time, attempt) of those that were judged."""

    counts: Counts
    at_ms: int
    judged: list[tuple[int, Attempt]]


def play(given_attempts: list[Attempt]) -> Played:
    counts, at_ms, judged = Counts(), NOW_MS, []
    for each in given_attempts:
        at_ms += each.pause_ms
        if counts.refuse(familiar=each.familiar, at_ms=at_ms):
            continue
        judged.append((at_ms, each))
        if each.right:
            counts = counts.after_success(familiar=each.familiar)
        else:
            counts = counts.after_failure(familiar=each.familiar, at_ms=at_ms)
    return Played(counts, at_ms, judged)


def assert_at_most_five_a_minute(times: list[int]) -> None:
    for number in range(len(times) - 5):
        assert times[number + 5] - times[number] >= MINUTE_MS


@given(WRONG_ONES)
def test_no_minute_has_more_than_five_wrong_attempts_that_were_judged(
    tried: list[Attempt],
) -> None:
    played = play(tried)
    assert_at_most_five_a_minute([at_ms for at_ms, _ in played.judged])
    assert len(played.judged) <= 2 * FAILURES_IN_A_ROW_MAX


@given(ANY)
def test_what_the_owner_does_lets_strangers_guess_no_more_often(tried: list[Attempt]) -> None:
    """Successes from familiar addresses do not give strangers another minute's worth."""
    of_owner = [each._replace(right=each.right and each.familiar) for each in tried]
    wrong = [at_ms for at_ms, each in play(of_owner).judged if not each.familiar and not each.right]
    assert_at_most_five_a_minute(wrong)


@given(ANY)
def test_strangers_alone_never_lock_out_familiar_addresses(tried: list[Attempt]) -> None:
    played = play([each._replace(familiar=False) for each in tried])
    assert played.counts.familiar == Failures()
    later_ms = played.at_ms + MINUTE_MS
    assert not played.counts.refuse(familiar=True, at_ms=later_ms)


@given(ANY, st.integers(0, 2 * MINUTE_MS))
def test_two_mistakes_a_minute_lock_nobody_out_whatever_strangers_do(
    tried: list[Attempt], wait_ms: int
) -> None:
    """Familiar attempts come half a minute apart here; those between them are strangers'."""
    counts, at_ms, last_ms = Counts(), NOW_MS, NOW_MS - MINUTE_MS
    for each in tried:
        at_ms += each.pause_ms
        mine = at_ms - last_ms >= MINUTE_MS // 2
        if mine:
            last_ms = at_ms
        if not counts.refuse(familiar=mine, at_ms=at_ms):
            counts = counts.after_failure(familiar=mine, at_ms=at_ms)
        if counts.familiar.in_a_row < FAILURES_IN_A_ROW_MAX:
            assert counts.familiar.locked_until_ms == 0
    later_ms = at_ms + MINUTE_MS + wait_ms
    if counts.familiar.in_a_row < FAILURES_IN_A_ROW_MAX:
        assert not counts.refuse(familiar=True, at_ms=later_ms)


@given(ANY)
def test_both_kinds_are_treated_alike(tried: list[Attempt]) -> None:
    counts = play(tried).counts
    mirrored = play([each._replace(familiar=not each.familiar) for each in tried]).counts
    assert mirrored == Counts(counts.familiar, counts.strange)


@given(ANY, st.booleans())
def test_a_lockout_ends_by_its_own_kind_or_by_time_alone(
    tried: list[Attempt], familiar: bool
) -> None:
    played = play(tried)
    for counts in (
        played.counts.after_success(familiar=familiar),
        played.counts.after_failure(familiar=familiar, at_ms=played.at_ms),
    ):
        other, before = (
            (each.strange if familiar else each.familiar) for each in (counts, played.counts)
        )
        assert other.locked_until_ms >= before.locked_until_ms
        assert other.lockouts >= before.lockouts


@given(ANY)
def test_logins_never_hinder_a_step_up(tried: list[Attempt]) -> None:
    played = play(tried)
    assert played.counts.step_ups == Failures()
    assert not played.counts.refuse_step_up(played.at_ms)


@given(ANY)
def test_step_ups_are_judged_five_times_a_minute_and_never_hinder_a_login(
    tried: list[Attempt],
) -> None:
    counts, at_ms, judged = Counts(), NOW_MS, []
    for each in tried:
        at_ms += each.pause_ms
        if not counts.refuse_step_up(at_ms):
            counts = counts.after_wrong_step_up(at_ms)
            judged.append(at_ms)
    assert_at_most_five_a_minute(judged)
    assert len(judged) <= STEP_UPS_IN_A_ROW_MAX
    assert (counts.strange, counts.familiar) == (Failures(), Failures())
    for familiar in (True, False):
        assert not counts.refuse(familiar=familiar, at_ms=at_ms)
        assert counts.after_success(familiar=familiar).step_ups == replace(
            counts.step_ups, in_a_row=0
        )
    assert counts.after_step_up() == Counts()


def test_the_fifth_wrong_step_up_of_a_minute_locks_step_ups_out_the_tenth_until_unlocked() -> None:
    counts, at_ms = Counts(), NOW_MS
    for until_ms in (NOW_MS + FIRST_LOCKOUT_MS, FOR_EVER_MS):
        for number in range(5):
            assert not counts.refuse_step_up(at_ms)
            before, counts = counts, counts.after_wrong_step_up(at_ms)
            assert counts.began(before) is (number == 4)
        assert counts.step_ups.locked_until_ms == until_ms
        assert counts.refuse_step_up(until_ms - 1)
        at_ms = counts.step_ups.locked_until_ms


def test_the_most_wrong_attempts_in_a_row_are_those_that_nist_allows() -> None:
    assert 2 * FAILURES_IN_A_ROW_MAX + STEP_UPS_IN_A_ROW_MAX <= 100


def test_the_kind_with_most_of_the_five_is_locked_out() -> None:
    counts = Counts()
    for familiar in (True, False, False, True):
        counts = counts.after_failure(familiar=familiar, at_ms=NOW_MS)
    stranger = counts.after_failure(familiar=False, at_ms=NOW_MS)
    assert is_locked(stranger.strange, NOW_MS)
    assert not is_locked(stranger.familiar, NOW_MS)
    owner = counts.after_failure(familiar=True, at_ms=NOW_MS)
    assert not is_locked(owner.strange, NOW_MS)
    assert owner.familiar.locked_until_ms == NOW_MS + FIRST_LOCKOUT_MS


def test_one_lockout_is_not_counted_twice() -> None:
    counts = Counts()
    for second in (0, 1, 2, 3, 4):
        counts = counts.after_failure(familiar=False, at_ms=NOW_MS + second * 1000)
    later_ms = NOW_MS + MINUTE_MS  # the first is a minute old: four strange ones, and one more
    assert not counts.refuse(familiar=True, at_ms=later_ms)
    after = counts.after_failure(familiar=True, at_ms=later_ms)
    assert after.strange == replace(counts.strange, recent_at_ms=counts.strange.recent_at_ms[1:])
    assert after.familiar.lockouts == 0
    assert after.refuse(familiar=True, at_ms=later_ms)


def test_those_in_a_row_are_those_since_any_success() -> None:
    counts = Counts()
    for number in range(FAILURES_IN_A_ROW_MAX - 1):
        counts = counts.after_failure(familiar=False, at_ms=NOW_MS + number * MINUTE_MS)
    owner = counts.after_success(familiar=True)
    end_ms = NOW_MS + FAILURES_IN_A_ROW_MAX * MINUTE_MS
    for before, until_ms in ((counts, FOR_EVER_MS), (owner, 0)):
        after = before.after_failure(familiar=False, at_ms=end_ms)
        assert after.strange.locked_until_ms == until_ms
