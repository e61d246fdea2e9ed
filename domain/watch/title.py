"""The state of one title for one user: a join-semilattice.

``join`` is commutative, associative and idempotent, so a set of events has one state, in whatever
order, however often and however late they come. Ties in time are broken by content (the greater
position, then state), never by arrival. Two bounds keep a title small; only beyond them can order
matter: ``SESSIONS_MAX`` (the two oldest sessions become one: nothing is un-completed or
un-watched) and ``INTERVALS_MAX``/``RUNS_MAX`` of one session (watched time may be forgotten, never
invented).

A player opens a new session for each play-through; that is what makes a rewatch visible
(``epochs``).
"""

from typing import NamedTuple

from domain.watch import intervals as spans
from domain.watch.lines import Run
from domain.watch.lines import join as join_runs

NEVER = (1 << 48) - 1  # later than every time that is accepted
PERMILLE = 1000
SESSIONS_MAX = 32  # play-throughs and device changes of one title
INTERVALS_MAX = 256  # separate stretches in one session that claims ranges
RUNS_MAX = 128  # two grids, so about 60 stretches in one session that reports positions

Moment = tuple[int, int, int, int]  # at, position, state code, preset code
Register = tuple[int, int]  # at, value; the greater wins


class View(NamedTuple):
    """One title as seen now (``view.of``). Lengths in milliseconds, ``progress`` in thousandths.

    The three ``ever`` fields span all epochs and only ever grow with more events.
    """

    epoch: int
    completions: int
    completed: bool
    started: bool
    progress: int
    ever_started: bool
    ever_progress: int
    ever_completed: bool
    updated_at: int


class Session:
    """One play-through on one device.

    Attributes:
        key: 32-bit hash of the session id.
        first: earliest report (at, position), the smaller position first on a tie.
        newest: latest report, with the preset and state it travelled with.
        finished_at: earliest report that by itself proves the title finished, or ``NEVER``.
        started: some report by itself passed the start threshold.
        furthest: greatest share of the duration in any one report, thousandths.
        intervals: union of claimed ranges, flat.
        runs: chains of position reports (``lines``), unordered.
    """

    __slots__ = (
        "finished_at", "first", "furthest", "intervals", "key", "newest", "runs", "started",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - a record of eight parts
        self,
        key: int,
        first: tuple[int, int],
        newest: Moment,
        finished_at: int,
        started: bool,
        furthest: int,
        intervals: list[int],
        runs: list[Run],
    ) -> None:
        self.key = key
        self.first = first
        self.newest = newest
        self.finished_at = finished_at
        self.started = started
        self.furthest = furthest
        self.intervals = intervals
        self.runs = runs

    def watched(self) -> list[int]:
        """Return the union of everything this session attests, flat."""
        flat = self.intervals
        for run in self.runs:
            flat = spans.add(flat, *run.claim())
        return flat


class Title:
    """Sessions by key, and last-writer-wins registers: duration, row, visibility, rating.

    ``row`` is 1 when dismissed, ``visibility`` 1 when hidden, ``rating`` in thousandths.
    """

    __slots__ = ("duration", "rating", "row", "seen", "sessions", "visibility")

    def __init__(
        self, sessions: dict[int, Session] | None = None, duration: Register | None = None
    ) -> None:
        self.sessions = {} if sessions is None else sessions
        self.duration = duration
        self.seen: View | None = None  # what ``view.of`` found; void after a join
        self.row: Register | None = None
        self.visibility: Register | None = None
        self.rating: Register | None = None

    def is_empty(self) -> bool:
        """Whether nothing is known: such a title takes no room in the ledger."""
        return not self.sessions and not (self.row or self.visibility or self.rating)

    def played_at(self) -> int:
        """Return the time of the newest playback report, 0 when there is none."""
        sessions = self.sessions
        if len(sessions) == 1:
            for session in sessions.values():
                return session.newest[0]
        return max([session.newest[0] for session in sessions.values()], default=0)

    def decided_at(self) -> int:
        """Return the time of the newest decision of the viewer, 0 when there is none."""
        registers = (self.row, self.visibility, self.rating)
        return max((register[0] for register in registers if register), default=0)


def join(title: Title, other: Title) -> None:
    """Add everything ``other`` knows to ``title``; ``other`` must not be used afterwards."""
    title.seen = None
    for key, session in other.sessions.items():
        own = title.sessions.get(key)
        if own is None:
            title.sessions[key] = session
        else:
            join_session(own, session)
    if other.duration is not None and (title.duration is None or other.duration > title.duration):
        title.duration = other.duration
    if other.row or other.visibility or other.rating:
        title.row = _later(title.row, other.row)
        title.visibility = _later(title.visibility, other.visibility)
        title.rating = _later(title.rating, other.rating)
    while len(title.sessions) > SESSIONS_MAX:
        _fold_oldest(title)


def join_report(title: Title, session: Session, duration: Register | None) -> None:
    """Add one playback report: ``join`` without the wrapping, for the usual event."""
    title.seen = None
    sessions = title.sessions
    own = sessions.get(session.key)
    if own is not None:
        join_session(own, session)
    else:
        sessions[session.key] = session
        if len(sessions) > SESSIONS_MAX:
            _fold_oldest(title)
    if duration is not None and (title.duration is None or duration > title.duration):
        title.duration = duration


def join_session(own: Session, other: Session) -> None:
    """Add everything ``other`` knows to ``own``."""
    if other.first < own.first:
        own.first = other.first
    if other.newest > own.newest:
        own.newest = other.newest
    if other.finished_at < own.finished_at:
        own.finished_at = other.finished_at
    if other.started:
        own.started = True
    if other.furthest > own.furthest:
        own.furthest = other.furthest
    if other.intervals:
        own.intervals = spans.union(own.intervals, other.intervals)
    if other.runs:
        own.runs = join_runs(own.runs, other.runs)
        if len(own.runs) > RUNS_MAX:
            _settle_oldest_runs(own)
    if len(own.intervals) > 2 * INTERVALS_MAX:
        own.intervals = spans.drop_shortest(own.intervals, INTERVALS_MAX)


def _later(own: Register | None, other: Register | None) -> Register | None:
    if own is None or other is None:
        return own or other
    return max(own, other)


def _fold_oldest(title: Title) -> None:
    """Make the two oldest sessions one, under the key of the younger."""
    ordered = sorted(title.sessions.values(), key=lambda session: (session.first, session.key))
    oldest, second = ordered[:2]
    del title.sessions[oldest.key]
    join_session(second, oldest)


def _settle_oldest_runs(session: Session) -> None:
    """Turn the oldest runs into plain intervals: still watched, no longer extended."""
    ordered = sorted(session.runs, key=lambda run: (run.end_at, run))
    kept = RUNS_MAX - RUNS_MAX // 4  # leave room, so that this is rare
    for run in ordered[:-kept]:
        session.intervals = spans.add(session.intervals, *run.claim())
    session.runs = ordered[-kept:]
