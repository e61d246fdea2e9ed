"""Title <-> bytes: little-endian 32-bit words, canonical (equal titles are equal bytes).

A title watched once, in one stretch, takes 36 to 48 bytes. One ``struct`` call packs or unpacks a
whole record; variable-length integers would save a few bytes and cost five times the time in
Python.

Header word: sessions (8 bits), duration mode (2), row, visibility and rating present (1 each).
Then the duration and the registers (64 bits each: time << 16 | value), then sessions by key::

    first.at << 16 | furthest << 6 | preset     64 bits
    key                                         32
    flags (see the _SHIFT and _BIT constants)   32
    first.position, newest.at - first.at, newest.position, finished_at - first.at   if flagged
    intervals                                   2 x 32 each
    runs  start.at << 16 | rate << 2 | grids, end.at, positions          24 bytes each
"""

from collections.abc import Iterable
from struct import Struct, pack, unpack

from domain.watch.lines import Run
from domain.watch.title import NEVER, Register, Session, Title

WORD_BYTES = 4
# Prepared formats for the usual lengths: making and looking up a format costs as much as packing.
_WORDS = tuple(Struct(f"<{count}I") for count in range(64))
_WORD = 0xFFFFFFFF
_INTERVALS, _RUNS, _STATE_SHIFT = 0x1FF, 0xFF, 17
_RUNS_SHIFT = 9
_FINISHED_SHIFT = 19
_FINISHED_NEWEST, _FINISHED_FIRST, _FINISHED_GIVEN = 1, 2, 3
_WIDE_BIT, _STARTED_BIT = 1 << 21, 1 << 22
_FROM_ZERO_BIT, _AT_LAST_EDGE_BIT, _ONE_MOMENT_BIT = 1 << 23, 1 << 24, 1 << 25
_DURATION_SHIFT, _DURATION_NEWEST, _DURATION_GIVEN = 8, 1, 2
_ROW_BIT, _VISIBILITY_BIT, _RATING_BIT = 1 << 10, 1 << 11, 1 << 12


def encode(title: Title) -> bytes:
    """Return the canonical bytes of a title; their length is a multiple of ``WORD_BYTES``."""
    words = [0]
    header = len(title.sessions)
    if title.duration is not None:
        at, duration = title.duration
        words.append(duration)
        if at == title.played_at():
            header |= _DURATION_NEWEST << _DURATION_SHIFT
        else:
            header |= _DURATION_GIVEN << _DURATION_SHIFT
            words += (at & _WORD, at >> 32)
    if title.row or title.visibility or title.rating:
        header |= _put_registers(words, title)
    words[0] = header
    if len(title.sessions) == 1:
        for session in title.sessions.values():
            _put_session(words, session)
    else:
        for key in sorted(title.sessions):
            _put_session(words, title.sessions[key])
    count = len(words)
    return _WORDS[count].pack(*words) if count < len(_WORDS) else pack(f"<{count}I", *words)


def _put_registers(words: list[int], title: Title) -> int:
    flags = 0
    for register, bit in (
        (title.row, _ROW_BIT), (title.visibility, _VISIBILITY_BIT), (title.rating, _RATING_BIT),
    ):  # fmt: skip
        if register is not None:
            flags |= bit
            packed = register[0] << 16 | register[1]
            words += (packed & _WORD, packed >> 32)
    return flags


def _put_session(words: list[int], session: Session) -> None:
    first_at, first_position = session.first
    at, position, state, preset = session.newest
    head = first_at << 16 | session.furthest << 6 | preset
    intervals = session.intervals
    flags = len(intervals) // 2 | state << _STATE_SHIFT
    if session.started:
        flags |= _STARTED_BIT
    place = len(words) + 3
    words += (head & _WORD, head >> 32, session.key, 0)
    if first_position:
        words.append(first_position)
    else:
        flags |= _FROM_ZERO_BIT
    elapsed = at - first_at
    if not elapsed:
        flags |= _ONE_MOMENT_BIT
    elif elapsed > _WORD:  # a player that keeps one session id for more than 49 days
        flags |= _WIDE_BIT
        words += (elapsed & _WORD, elapsed >> 32)
    else:
        words.append(elapsed)
    if intervals and position == intervals[-1]:
        flags |= _AT_LAST_EDGE_BIT
    else:
        words.append(position)
    if session.finished_at != NEVER:
        flags |= _put_finished(words, session.finished_at, at, first_at) << _FINISHED_SHIFT
    words += intervals
    if session.runs:
        flags |= _put_runs(words, session.runs) << _RUNS_SHIFT
    words[place] = flags


def _put_finished(words: list[int], finished_at: int, newest_at: int, first_at: int) -> int:
    if finished_at == newest_at:
        return _FINISHED_NEWEST
    if finished_at == first_at:
        return _FINISHED_FIRST
    elapsed = finished_at - first_at  # as wide as the time to the newest report, or narrower
    words.append(elapsed & _WORD)
    if newest_at - first_at > _WORD:
        words.append(elapsed >> 32)
    return _FINISHED_GIVEN


def _put_runs(words: list[int], runs: Iterable[Run]) -> int:
    """Runs with the same ends on both grids, the usual case, are stored once."""
    grids: dict[tuple[int, int, int, int, int], int] = {}
    for run in runs:
        grids[run[:5]] = grids.get(run[:5], 0) | 1 << run.grid
    for (start_at, start_position, end_at, end_position, rate), mask in sorted(grids.items()):
        head = start_at << 16 | rate << 2 | mask
        words += (
            head & _WORD, head >> 32, end_at & _WORD, end_at >> 32, start_position, end_position,
        )  # fmt: skip
    return len(grids)


def decode(value: bytes) -> Title:
    """Return the title of ``encode``'s bytes."""
    count = len(value) // WORD_BYTES
    words = _WORDS[count].unpack(value) if count < len(_WORDS) else unpack(f"<{count}I", value)
    header = words[0]
    title = Title()
    mode = header >> _DURATION_SHIFT & 3
    place = mode + 1 if mode < _DURATION_GIVEN else 4
    if header & (_ROW_BIT | _VISIBILITY_BIT | _RATING_BIT):
        place = _get_registers(title, words, place)
    for _ in range(header & 0xFF):
        place = _get_session(title, words, place)
    if mode:
        at = title.played_at() if mode == _DURATION_NEWEST else words[2] | words[3] << 32
        title.duration = (at, words[1])
    return title


def _get_registers(title: Title, words: tuple[int, ...], place: int) -> int:
    def take() -> Register:
        packed = words[place] | words[place + 1] << 32
        return packed >> 16, packed & 0xFFFF

    if words[0] & _ROW_BIT:
        title.row = take()
        place += 2
    if words[0] & _VISIBILITY_BIT:
        title.visibility = take()
        place += 2
    if words[0] & _RATING_BIT:
        title.rating = take()
        place += 2
    return place


def _get_session(title: Title, words: tuple[int, ...], place: int) -> int:
    key, flags = words[place + 2], words[place + 3]
    head = words[place] | words[place + 1] << 32
    place += 4
    first_at = head >> 16
    first_position = 0
    if not flags & _FROM_ZERO_BIT:
        first_position = words[place]
        place += 1
    at = first_at
    if flags & _WIDE_BIT:
        at += words[place] | words[place + 1] << 32
        place += 2
    elif not flags & _ONE_MOMENT_BIT:
        at += words[place]
        place += 1
    position = 0
    if not flags & _AT_LAST_EDGE_BIT:
        position = words[place]
        place += 1
    finished_at = NEVER
    if mode := flags >> _FINISHED_SHIFT & 3:
        finished_at = at if mode == _FINISHED_NEWEST else first_at
        if mode == _FINISHED_GIVEN:
            finished_at += words[place]
            place += 1
            if flags & _WIDE_BIT:
                finished_at += words[place] << 32
                place += 1
    end = place + 2 * (flags & _INTERVALS)
    intervals = list(words[place:end])
    place = end + 6 * (flags >> _RUNS_SHIFT & _RUNS)
    if flags & _AT_LAST_EDGE_BIT:
        position = intervals[-1]
    title.sessions[key] = Session(  # positional, in the order of the attributes, for speed
        key,
        (first_at, first_position),
        (at, position, flags >> _STATE_SHIFT & 3, head & 0x3F),
        finished_at,
        flags & _STARTED_BIT != 0,
        head >> 6 & 0x3FF,
        intervals,
        _get_runs(words, end, place) if place > end else [],
    )
    return place


def _get_runs(words: tuple[int, ...], place: int, end: int) -> list[Run]:
    runs = []
    for i in range(place, end, 6):
        head = words[i] | words[i + 1] << 32
        end_at = words[i + 2] | words[i + 3] << 32
        for grid in (0, 1):
            if head >> grid & 1:
                runs.append(
                    Run(head >> 16, words[i + 4], end_at, words[i + 5], head >> 2 & 0x3FFF, grid)
                )
    return runs
