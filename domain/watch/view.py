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
        if len(title.sessions) == 1:
            (session,) = title.sessions.values()  # the usual case needs no folding
            at, started, furthest = session.newest[0], session.started, session.furthest
            if session.finished_at != NEVER:
                seen = _new(View, (0, 1, True, True, PERMILLE, True, PERMILLE, True, at))
            else:
                seen = _new(View, (0, 0, False, started, furthest, started, furthest, False, at))
        else:
            seen = _of_many(title)
        title.seen = seen
    return seen


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
    epoch, completions, completed, _, progress, _, _, _, updated_at = of(title)
    duration = title.duration[1] if title.duration else 0
    started_at, completed_at, watched, newest = _current(title)
    if duration:
        watched = spans.clip(watched, duration)
    preset, position = PRESETS[newest[3]], newest[1]
    if duration and position > duration:
        position = duration
    resumable = not completed and updated_at > 0 and preset.resumes(position, duration)
    if not resumable:
        position = 0
    source_offset, interaction_offset, marks = stamp
    recent = marks.hex(",", FINGERPRINT_BYTES).replace(",", '","')
    recent = f'"{recent}"' if recent else ""
    started = "" if started_at is None else f',"started_at_ms":{started_at}'
    finished = "" if completed_at is None else f',"completed_at_ms":{completed_at}'
    decided = title.row or title.visibility or title.rating
    decisions = _decisions(title, updated_at) if decided else _NO_DECISIONS
    # ``!r`` is the same text for a float and a third faster than plain formatting.
    return (
        f'{{"user_id":"{user_id}","content_id":"{content_id}","epoch":{epoch},'
        f'"completions":{completions},"completed":{_BOOL[completed]},'
        f'"watched_s":{spans.length(watched) / 1000!r},"position_s":{position / 1000!r},'
        f'"duration_s":{duration / 1000!r},"progress":{_PROGRESS[progress]},'
        f'"resumable":{_BOOL[resumable]}{started}{finished}'
        f',"updated_at_ms":{updated_at or title.decided_at()},{decisions}'
        f',"intervals_s":[{_pairs(watched)}],"preset":"{preset.name}",'
        f'"source_offset":{source_offset},"interaction_offset":{interaction_offset},'
        f'"recent_events":[{recent}]}}'
    ).encode()


_BOOL = ("false", "true")
_PROGRESS = tuple(str(share / PERMILLE) for share in range(PERMILLE + 1))
_NO_DECISIONS = '"dismissed":false,"hidden":false'


def _decisions(title: Title, played_at: int) -> str:
    hidden = title.visibility is not None and title.visibility[1] == 1
    rating = f',"rating":{title.rating[1] / 1000!r}' if title.rating else ""
    dismissed_at = _dismissed_at(title, played_at)
    row = "false" if dismissed_at is None else f'true,"dismissed_at_ms":{dismissed_at}'
    return f'"dismissed":{row},"hidden":{_BOOL[hidden]}{rating}'


def _pairs(flat: list[int]) -> str:
    if len(flat) == 2:  # the usual case: watched in one go
        return f"[{flat[0] / 1000!r},{flat[1] / 1000!r}]"
    edges = iter(flat)
    return ",".join([f"[{a / 1000!r},{b / 1000!r}]" for a, b in zip(edges, edges, strict=True)])


# Of the current epoch: start, first completion of any epoch, watched intervals, newest report.
_Current = tuple[int | None, int | None, list[int], Moment]


def _current(title: Title) -> _Current:
    if len(title.sessions) == 1:
        (session,) = title.sessions.values()
        finished_at = None if session.finished_at == NEVER else session.finished_at
        watched = session.watched() if session.runs else session.intervals
        return session.first[0], finished_at, watched, session.newest
    epochs = fold(title)
    if not epochs:
        return None, None, [], (0, 0, 0, 0)
    first_finish = min(epoch.finished_at for epoch in epochs)
    sessions = epochs[-1].sessions
    watched = []
    for session in sessions:
        watched = spans.union(watched, session.watched())
    return (
        sessions[0].first[0],
        None if first_finish == NEVER else first_finish,
        watched,
        max(session.newest for session in sessions),
    )


def _dismissed_at(title: Title, played_at: int) -> int | None:
    """A dismissal holds until it is taken back or something newer is played."""
    if title.row is None:
        return None
    at, dismissed = title.row
    return at if dismissed == 1 and at >= played_at else None
