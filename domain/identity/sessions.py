"""How long a session of an operator lasts, and how long a code counts as recent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Times of a session, Unix milliseconds. ``code_at_ms``: the last code of the app; 0: none."""

    started_at_ms: int
    seen_at_ms: int
    code_at_ms: int


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Longest pause between two calls, longest life, and how long a code is recent, in ms."""

    idle_ms: int
    life_ms: int
    recent_ms: int


def is_live(times: SessionTimes, limits: SessionLimits, at_ms: int) -> bool:
    """Whether the session may be used; a use counts as seen from then on."""
    idle = at_ms - times.seen_at_ms >= limits.idle_ms
    return not idle and at_ms < ends_at_ms(times, limits)


def ends_at_ms(times: SessionTimes, limits: SessionLimits) -> int:
    """When the session ends however much it is used; a rotation does not move it."""
    return times.started_at_ms + limits.life_ms


def has_recent_code(times: SessionTimes, limits: SessionLimits, at_ms: int) -> bool:
    """Whether a code of the app was given recently; a recovery code is none."""
    return times.code_at_ms > 0 and at_ms - times.code_at_ms < limits.recent_ms
