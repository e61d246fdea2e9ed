"""Wrong attempts at one account -> who is locked out, and for how long.

Whoever knows a name can give wrong passwords for it. So there are two counts: of familiar
addresses, from which a login was accepted before, and of strange ones; and each locks out its own
kind alone. Guessing is bounded over both together:

- In a minute five wrong attempts are judged, and no attempt after them, whoever made them.
- The fifth locks out the kind that made most of them, for 15 minutes, the next time for twice as
  long, up to a day. So nobody is locked out by two mistakes of their own, and strangers cost the
  owner a minute for each of their lockouts.
- 50 of one kind in a row lock it out until somebody unlocks the account: 100 in all, which is the
  most that NIST SP 800-63B-4, section 3.2.2, allows.

An accepted attempt forgets the count of its own kind, and that the other's were in a row; it ends
no lockout of the other kind.
"""

from dataclasses import dataclass, replace

from schemas.times import AT_MS_MAX

MINUTE_MS = 60_000
FAILURES_A_MINUTE_MAX = 5  # odd: one kind has most of them
FAILURES_IN_A_ROW_MAX = 50  # of each kind
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
    """The failures of strange and of familiar addresses."""

    strange: Failures = Failures()
    familiar: Failures = Failures()

    def refuse(self, *, familiar: bool, at_ms: int) -> bool:
        """Whether an attempt at ``at_ms`` is not judged, whatever is given."""
        own = self.familiar if familiar else self.strange
        recent = _recent(self.strange, at_ms) + _recent(self.familiar, at_ms)
        return is_locked(own, at_ms) or len(recent) >= FAILURES_A_MINUTE_MAX

    def after_success(self, *, familiar: bool) -> "Counts":
        """Return what is remembered after an accepted attempt."""
        if familiar:
            return Counts(replace(self.strange, in_a_row=0), Failures())
        return Counts(Failures(), replace(self.familiar, in_a_row=0))

    def after_failure(self, *, familiar: bool, at_ms: int) -> "Counts":
        """Return what is remembered after one more wrong attempt that was judged."""
        counts = Counts(
            _counted(self.strange, at_ms, mine=not familiar),
            _counted(self.familiar, at_ms, mine=familiar),
        )
        of_strange, of_familiar = (
            len(each.recent_at_ms) for each in (counts.strange, counts.familiar)
        )
        if of_strange + of_familiar < FAILURES_A_MINUTE_MAX:
            return counts
        if of_strange > of_familiar:
            return replace(counts, strange=_locked(counts.strange, at_ms))
        return replace(counts, familiar=_locked(counts.familiar, at_ms))

    def began(self, before: "Counts") -> bool:
        """Whether a lockout began since ``before``."""
        return (
            self.strange.lockouts > before.strange.lockouts
            or self.familiar.lockouts > before.familiar.lockouts
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
    recent = _recent(failures, at_ms)
    if not mine:
        return replace(failures, recent_at_ms=recent)
    in_a_row = failures.in_a_row + 1
    counted = replace(failures, recent_at_ms=(*recent, at_ms), in_a_row=in_a_row)
    if in_a_row < FAILURES_IN_A_ROW_MAX:
        return counted
    return replace(counted, lockouts=failures.lockouts + 1, locked_until_ms=FOR_EVER_MS)


def _locked(failures: Failures, at_ms: int) -> Failures:
    """Return ``failures`` locked out from now on; one lockout at a time."""
    if is_locked(failures, at_ms):
        return failures
    until_ms = at_ms + lockout_ms(failures.lockouts)
    return replace(failures, lockouts=failures.lockouts + 1, locked_until_ms=until_ms)
