"""Rewatch epochs: a pure function of the set of sessions, so arrival order cannot matter.

Sessions are taken by the time of their first report. One that starts after the current epoch was
finished, from the beginning, and gets past the start threshold, opens the next epoch; every other
one belongs to the current epoch. An older epoch stays finished whatever happens in a younger one.
"""

from domain.watch.title import NEVER, Session, Title

RESTART_MS = 60_000  # from the beginning: the first minute
RESTART_PCT = 5  # or the first 5 %, whichever is longer


class Epoch:
    """Consecutive sessions that are one watching of the title."""

    __slots__ = ("finished_at", "sessions")

    def __init__(self, session: Session) -> None:
        self.sessions = [session]
        self.finished_at = session.finished_at

    def add(self, session: Session) -> None:
        """Take one more session."""
        self.sessions.append(session)
        self.finished_at = min(self.finished_at, session.finished_at)


def fold(title: Title) -> list[Epoch]:
    """Return the epochs, oldest first; empty when the title was never played."""
    sessions = list(title.sessions.values())
    if len(sessions) == 1:
        return [Epoch(sessions[0])]
    sessions.sort(key=_order)
    duration = title.duration[1] if title.duration else 0
    epochs: list[Epoch] = []
    for session in sessions:
        if not epochs or _restarts(session, epochs[-1], duration):
            epochs.append(Epoch(session))
        else:
            epochs[-1].add(session)
    return epochs


def _order(session: Session) -> tuple[tuple[int, int], int]:
    return session.first, session.key


def _restarts(session: Session, current: Epoch, duration: int) -> bool:
    at, position = session.first
    if current.finished_at == NEVER or at <= current.finished_at or not session.started:
        return False
    if session.finished_at == at or (duration and position * 2 >= duration):
        return False  # a report from near the end is no beginning, however short the title
    return position < RESTART_MS or position * 100 < RESTART_PCT * duration
