import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.sessions import SessionLimits, SessionTimes, has_recent_code, is_live

LIMITS = SessionLimits(idle_ms=30, life_ms=100, recent_ms=5)


@pytest.mark.parametrize(
    ("seen_at_ms", "at_ms", "live"),
    [(0, 29, True), (0, 30, False), (29, 58, True), (90, 99, True), (90, 100, False)],
)
def test_a_session_ends_by_a_pause_and_by_its_age(seen_at_ms: int, at_ms: int, live: bool) -> None:
    assert is_live(SessionTimes(0, seen_at_ms, 0), LIMITS, at_ms) is live


@pytest.mark.parametrize(
    ("code_at_ms", "at_ms", "recent"),
    [(10, 14, True), (10, 15, False), (0, 1, False)],
)
def test_a_code_is_recent_for_a_while_and_none_is_not(
    code_at_ms: int, at_ms: int, recent: bool
) -> None:
    assert has_recent_code(SessionTimes(0, 0, code_at_ms), LIMITS, at_ms) is recent


@given(st.lists(st.integers(0, 40), max_size=20))
def test_no_use_keeps_a_session_beyond_its_life(pauses: list[int]) -> None:
    seen = now = 0
    for pause in pauses:
        now += pause
        if not is_live(SessionTimes(0, seen, 0), LIMITS, now):
            assert pause >= LIMITS.idle_ms or now >= LIMITS.life_ms
            return
        seen = now
    assert now < LIMITS.life_ms
