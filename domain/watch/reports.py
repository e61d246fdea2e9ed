"""One progress event -> the state of a title that has seen only this event.

Everything becomes integers here: milliseconds, thousandths. From here on two events are combined
only by ``title.join``, so order, repetition and lateness cannot matter.
"""

from hashlib import blake2b
from zlib import crc32

from domain.watch.lines import RATE_UNIT, Run, report
from domain.watch.presets import BY_NAME
from domain.watch.title import NEVER, PERMILLE, Register, Session, Title
from schemas.progress import ProgressEvent

# Codes are stored in ledger bytes: append, never renumber.
PLAYBACK_STATES = {"playing": 0, "paused": 1, "stopped": 2, "ended": 3}
# A seek is not watching and an advertisement is not the title: neither says anything about it.
SILENT_STATES = frozenset({"seeking", "interstitial"})
FINGERPRINT_BYTES = 6


class RuleError(ValueError):
    """A well-formed event that no rule can interpret; the message says which field and why."""


def fingerprint(event_id: str) -> bytes:
    """Return the 6 bytes that stand for an event id; hex of it is ``WatchState.recent_events``."""
    return blake2b(event_id.encode(), digest_size=FINGERPRINT_BYTES).digest()


def check(event: ProgressEvent) -> None:
    """Refuse what no rule can interpret.

    Raises:
        RuleError: unknown preset, or a rating without its value.
    """
    if event.preset not in BY_NAME:
        raise _unknown_preset(event)
    if event.state == "rated" and event.rating is None:
        raise RuleError("rating: missing in an event of state 'rated'")


def _unknown_preset(event: ProgressEvent) -> RuleError:
    return RuleError(f"preset: {event.preset!r} is none of {', '.join(sorted(BY_NAME))}")


def title_of(event: ProgressEvent) -> Title | None:
    """Return what the event alone says about its title; None when it says nothing.

    Raises:
        RuleError: see ``check``.
    """
    state = event.state
    code = PLAYBACK_STATES.get(state)
    if code is not None:
        session, duration = playback(event, code)
        return Title({session.key: session}, duration)
    check(event)
    if state in SILENT_STATES:
        return None
    title = Title()
    at = event.occurred_at_ms
    if state == "rated":
        title.rating = (at, milliseconds(event.rating or 0.0))
    elif state in ("dismissed", "restored"):
        title.row = (at, 1 if state == "dismissed" else 0)
    else:
        title.visibility = (at, 1 if state == "hidden" else 0)
    return title


def playback(event: ProgressEvent, code: int) -> tuple[Session, Register | None]:
    """Return the session that has seen only this report, and what it says about the duration.

    Args:
        event: a playback report.
        code: its state in ``PLAYBACK_STATES``.

    Raises:
        RuleError: unknown preset.
    """
    preset = BY_NAME.get(event.preset)
    if preset is None:
        raise _unknown_preset(event)
    at = event.occurred_at_ms
    duration = int(event.duration_s * 1000.0 + 0.5)  # ``milliseconds``, without four calls
    position = int(event.position_s * 1000.0 + 0.5)
    if 0 < duration < position:
        position = duration
    credits_at_s = event.credits_at_s
    credits_at = 0 if credits_at_s is None else milliseconds(credits_at_s)
    finished = preset.finishes(position, duration, credits_at, event.state)
    intervals: list[int] = []
    runs: list[Run] = []
    played_from_s, played_to_s = event.played_from_s, event.played_to_s
    if played_from_s is None or played_to_s is None:  # one point of a play line
        rate = max(1, int(event.playback_rate * RATE_UNIT + 0.5))
        runs = list(report(at, position, rate))
    else:
        start, end = int(played_from_s * 1000.0 + 0.5), int(played_to_s * 1000.0 + 0.5)
        if duration and end > duration:
            end = duration
        if start < end:
            intervals = [start, end]
    # Positional, in the order of the attributes: keyword calls take twice the time.
    session = Session(
        crc32(event.session_id.encode()),
        (at, position),
        (at, position, code, preset.code),
        at if finished else NEVER,
        finished or preset.starts(position, duration),
        PERMILLE * position // duration if duration else 0,
        intervals,
        runs,
    )
    return session, (at, duration) if duration else None


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, halves rounded up; ``seconds`` is not negative."""
    return int(seconds * 1000.0 + 0.5)
