"""What readers see of a title: the fields of ``WatchState``, and the bytes of one.

``WatchState`` records are written as text here instead of through the model, which costs ten times
as much; a test holds both to the same bytes. Identifiers need no escaping (``schemas.ids``).
"""

from typing import NamedTuple

from domain.watch import intervals as spans
from domain.watch.epochs import fold
from domain.watch.presets import PRESETS
from domain.watch.reports import FINGERPRINT_BYTES
from domain.watch.title import NEVER, PERMILLE, Moment, Title, View

_new = tuple.__new__  # a third of the time of calling the class, which matters per event
EMPTY = View(0, 0, False, False, 0, False, 0, False, 0)


def of(title: Title) -> View:
    """Return the part of the view that interactions are derived from."""
    seen = title.seen
    if seen is None:
        seen = title.seen = _of_one(title) if len(title.sessions) == 1 else _of_many(title)
    return seen


def _of_one(title: Title) -> View:
    """The usual case, one session, without any folding."""
    (session,) = title.sessions.values()
    updated_at = session.newest[0]
    if session.finished_at != NEVER:
        return _new(View, (0, 1, True, True, PERMILLE, True, PERMILLE, True, updated_at))
    started, furthest = session.started, session.furthest
    return _new(View, (0, 0, False, started, furthest, started, furthest, False, updated_at))


def _of_many(title: Title) -> View:
    epochs = fold(title)
    if not epochs:
        return EMPTY
    current = epochs[-1]
    completed = current.finished_at != NEVER
    started = any(session.started for session in current.sessions)
    progress = PERMILLE if completed else max(session.furthest for session in current.sessions)
    ever = (started, progress, completed) if len(epochs) == 1 else (True, PERMILLE, True)
    completions = len(epochs) - 1 + int(completed)
    updated_at = title.played_at()
    return View(len(epochs) - 1, completions, completed, started, progress, *ever, updated_at)


class Stamp(NamedTuple):
    """Where the ledger of the user stood when the title was last touched."""

    source_offset: int
    interaction_offset: int
    recent: bytes  # fingerprints, oldest first


def watch_state_bytes(user_id: str, content_id: str, title: Title, stamp: Stamp) -> bytes:
    """Return the canonical bytes of the ``WatchState`` of one title."""
    view = of(title)
    duration = title.duration[1] if title.duration else 0
    current = _current(title)
    watched = spans.clip(current.watched, duration) if duration else current.watched
    preset, position = PRESETS[current.newest[3]], current.newest[1]
    if duration and position > duration:
        position = duration
    resumable = not view.completed and view.updated_at > 0 and preset.resumes(position, duration)
    if not resumable:
        position = 0
    recent = stamp.recent.hex(",", FINGERPRINT_BYTES).replace(",", '","')
    recent = f'"{recent}"' if recent else ""
    edges = iter(watched)
    pairs = ",".join([f"[{a / 1000},{b / 1000}]" for a, b in zip(edges, edges, strict=True)])
    return (
        f'{{"user_id":"{user_id}","content_id":"{content_id}","epoch":{view.epoch},'
        f'"completions":{view.completions},"completed":{_BOOL[view.completed]},'
        f'"watched_s":{spans.length(watched) / 1000},"position_s":{position / 1000},'
        f'"duration_s":{duration / 1000},"progress":{_PROGRESS[view.progress]},'
        f'"resumable":{_BOOL[resumable]}'
        f"{_optional('started_at_ms', current.started_at)}"
        f"{_optional('completed_at_ms', current.completed_at)}"
        f',"updated_at_ms":{view.updated_at or title.decided_at()},'
        f'"dismissed":{_BOOL[_dismissed(title, view.updated_at)]},'
        f'"hidden":{_BOOL[title.visibility is not None and title.visibility[1] == 1]}'
        f"{_optional('rating', title.rating[1] / 1000 if title.rating else None)}"
        f',"intervals_s":[{pairs}],"preset":"{preset.name}",'
        f'"source_offset":{stamp.source_offset},"interaction_offset":{stamp.interaction_offset},'
        f'"recent_events":[{recent}]}}'
    ).encode()


_BOOL = ("false", "true")
_PROGRESS = tuple(str(share / PERMILLE) for share in range(PERMILLE + 1))


def _optional(name: str, value: float | None) -> str:
    return "" if value is None else f',"{name}":{value}'


class _Current(NamedTuple):
    """The current epoch, and the first completion of any."""

    started_at: int | None
    completed_at: int | None
    watched: list[int]
    newest: Moment


def _current(title: Title) -> _Current:
    if len(title.sessions) == 1:
        (session,) = title.sessions.values()
        finished_at = None if session.finished_at == NEVER else session.finished_at
        return _Current(session.first[0], finished_at, session.watched(), session.newest)
    epochs = fold(title)
    if not epochs:
        return _Current(None, None, [], (0, 0, 0, 0))
    first_finish = min(epoch.finished_at for epoch in epochs)
    sessions = epochs[-1].sessions
    watched: list[int] = []
    for session in sessions:
        watched = spans.union(watched, session.watched())
    return _Current(
        sessions[0].first[0],
        None if first_finish == NEVER else first_finish,
        watched,
        max(session.newest for session in sessions),
    )


def _dismissed(title: Title, played_at: int) -> bool:
    """A dismissal holds until it is taken back or something newer is played."""
    return title.row is not None and title.row[1] == 1 and title.row[0] >= played_at
