"""Wrong attempts at one account -> who is locked out, and for how long.

Whoever knows a name can give wrong passwords for it. So there are two counts: of familiar
addresses, from which a login was accepted before, and of strange ones; and each locks out its own
kind alone. Guessing is bounded over both together:

- In a minute five wrong attempts are judged, and no attempt after them, whoever made them.
- The fifth locks out the kind that made most of them, for 15 minutes, the next time for twice as
  long, up to a day. So nobody is locked out by two mistakes of their own, and strangers cost the
  owner a minute for each of their lockouts.
- 45 of one kind in a row lock it out until somebody unlocks the account.

Codes given within a session (step-ups) are a third kind, counted alone: the fifth wrong one in a
minute locks step-ups out in the same way, no attempt to log in does, from whatever address. Ten in
a row lock them out until somebody unlocks the account; a new login is good for the same. So 100
wrong attempts in a row are the most, as NIST SP 800-63B-4, section 3.2.2, allows.

An accepted attempt forgets the count of its own kind, and that those of the others were in a row;
it ends no lockout of another kind.
"""

from dataclasses import dataclass, replace

from schemas.times import AT_MS_MAX

MINUTE_MS = 60_000
FAILURES_A_MINUTE_MAX = 5  # odd: one kind has most of them
FAILURES_IN_A_ROW_MAX = 45  # of strange, and of familiar addresses
STEP_UPS_IN_A_ROW_MAX = 10
FIRST_LOCKOUT_MS = 15 * MINUTE_MS
LOCKOUT_MS_MAX = 24 * 60 * MINUTE_MS
FOR_EVER_MS = AT_MS_MAX


@dataclass(frozen=True, slots=True)
class Failures:
    """What is remembered of the wrong attempts of one kind since its last accepted one.

    ``recent_at_ms``: those of the last minute. ``in_a_row``: since any accepted attempt.
    ``lockouts``: in a row.
    """

    recent_at_ms: tuple[int, ...] = ()
    in_a_row: int = 0
    lockouts: int = 0
    locked_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """The failures of strange and of familiar addresses, and of codes within sessions."""

    strange: Failures = Failures()
    familiar: Failures = Failures()
    step_ups: Failures = Failures()

    def refuse(self, *, familiar: bool, at_ms: int) -> bool:
        """Whether an attempt to log in at ``at_ms`` is not judged, whatever is given."""
        own = self.familiar if familiar else self.strange
        recent = _recent(self.strange, at_ms) + _recent(self.familiar, at_ms)
        return is_locked(own, at_ms) or len(recent) >= FAILURES_A_MINUTE_MAX

    def after_success(self, *, familiar: bool) -> "Counts":
        """Return what is remembered after an accepted login."""
        fresh = self._proven()
        if familiar:
            return replace(fresh, familiar=Failures())
        return replace(fresh, strange=Failures())

    def after_failure(self, *, familiar: bool, at_ms: int) -> "Counts":
        """Return what is remembered after one more wrong login that was judged."""
        counts = replace(
            self,
            strange=_counted(self.strange, at_ms, mine=not familiar),
            familiar=_counted(self.familiar, at_ms, mine=familiar),
        )
        of_strange, of_familiar = (
            len(each.recent_at_ms) for each in (counts.strange, counts.familiar)
        )
        if of_strange + of_familiar < FAILURES_A_MINUTE_MAX:
            return counts
        if of_strange > of_familiar:
            return replace(counts, strange=_locked(counts.strange, at_ms))
        return replace(counts, familiar=_locked(counts.familiar, at_ms))

    def refuse_step_up(self, at_ms: int) -> bool:
        """Whether a code within a session is not judged at ``at_ms``."""
        recent = _recent(self.step_ups, at_ms)
        return is_locked(self.step_ups, at_ms) or len(recent) >= FAILURES_A_MINUTE_MAX

    def after_step_up(self) -> "Counts":
        """Return what is remembered after an accepted code within a session."""
        return replace(self._proven(), step_ups=Failures())

    def after_wrong_step_up(self, at_ms: int) -> "Counts":
        """Return what is remembered after one more wrong code within a session."""
        counted = _one_more(self.step_ups, at_ms, STEP_UPS_IN_A_ROW_MAX)
        if len(counted.recent_at_ms) >= FAILURES_A_MINUTE_MAX:
            counted = _locked(counted, at_ms)
        return replace(self, step_ups=counted)

    def _proven(self) -> "Counts":
        return Counts(
            replace(self.strange, in_a_row=0),
            replace(self.familiar, in_a_row=0),
            replace(self.step_ups, in_a_row=0),
        )

    def began(self, before: "Counts") -> bool:
        """Whether a lockout began since ``before``."""
        return (
            self.strange.lockouts > before.strange.lockouts
            or self.familiar.lockouts > before.familiar.lockouts
            or self.step_ups.lockouts > before.step_ups.lockouts
        )


def is_locked(failures: Failures, at_ms: int) -> bool:
    """Whether this kind is locked out at ``at_ms``."""
    return at_ms < failures.locked_until_ms


def lockout_ms(lockouts: int) -> int:
    """Return how long the next lockout takes after ``lockouts`` in a row, milliseconds.

    >>> [lockout_ms(lockouts) // MINUTE_MS for lockouts in (0, 1, 2, 6, 7, 50)]
    [15, 30, 60, 960, 1440, 1440]
    """
    return min(FIRST_LOCKOUT_MS << min(lockouts, 16), LOCKOUT_MS_MAX)


def _recent(failures: Failures, at_ms: int) -> tuple[int, ...]:
    return tuple(each for each in failures.recent_at_ms if each > at_ms - MINUTE_MS)


def _counted(failures: Failures, at_ms: int, *, mine: bool) -> Failures:
    if not mine:
        return replace(failures, recent_at_ms=_recent(failures, at_ms))
    return _one_more(failures, at_ms, FAILURES_IN_A_ROW_MAX)


def _one_more(failures: Failures, at_ms: int, in_a_row_max: int) -> Failures:
    in_a_row = failures.in_a_row + 1
    recent = (*_recent(failures, at_ms), at_ms)
    counted = replace(failures, recent_at_ms=recent, in_a_row=in_a_row)
    if in_a_row < in_a_row_max:
        return counted
    return replace(counted, lockouts=failures.lockouts + 1, locked_until_ms=FOR_EVER_MS)


def _locked(failures: Failures, at_ms: int) -> Failures:
    """Return ``failures`` locked out from now on; one lockout at a time."""
    if is_locked(failures, at_ms):
        return failures
    until_ms = at_ms + lockout_ms(failures.lockouts)
    return replace(failures, lockouts=failures.lockouts + 1, locked_until_ms=until_ms)
