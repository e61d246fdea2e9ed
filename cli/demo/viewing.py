"""ratings -> viewings on a timeline -> progress events, as a player app would have reported them.

A rating says how much of a film its viewer will have watched: 5 to the end, 3 most of it, 1 a few
minutes. Everything is a function of the ratings, the runtimes and one anchor time: the same input
gives the same bytes, which is what makes posting the demo twice harmless.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from schemas.times import DAY_MS

SPAN_MS = 7 * DAY_MS  # each viewer's newest rating falls into the week before the anchor
GAP_MS = 20 * 60 * 1000  # between two films of one viewer
BREAK_MS = 5 * 60 * 1000  # a pause in the middle of a film
RUNTIME_DEFAULT_S = 6000  # 1,299 films of the catalogue have no runtime; 100 min is their median
RUNTIME_MIN_S = 60
CREDITS_MAX_S = 300  # credits are the last 5 min, or 5 % of something short
PAUSE_SHARE_MIN = 0.6  # who watched less than this stopped without a pause

WATCHED_SHARE = {
    5.0: 1.0, 4.5: 1.0, 4.0: 0.97, 3.5: 0.86, 3.0: 0.72, 2.5: 0.5, 2.0: 0.34, 1.5: 0.2, 1.0: 0.1,
    0.5: 0.05,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rating:
    """One viewer's opinion of one film, 0.5 to 5 in halves, and when (seconds since the epoch)."""

    user_id: str
    content_id: str
    rating: float
    rated_at_s: int


@dataclass(frozen=True, slots=True)
class Viewing:
    """One film watched by one viewer: when it started, and how much of it was played."""

    user_id: str
    content_id: str
    started_at_ms: int
    duration_s: int
    played_s: float

    @property
    def finished(self) -> bool:
        """Whether it was played to the very end."""
        return self.played_s >= self.duration_s

    @property
    def paused(self) -> bool:
        """Whether the viewer took a break on the way."""
        return self.played_s >= PAUSE_SHARE_MIN * self.duration_s


def unit(*parts: object) -> float:
    """Return a number in [0, 1) that looks random and depends on nothing but ``parts``.

    >>> unit("viewer-1", "imdb:tt0114709") == unit("viewer-1", "imdb:tt0114709")
    True
    """
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def watched_share(rating: Rating) -> float:
    """Share of the film that was played, (0, 1]; below 4 it varies by 3 points either way."""
    share = WATCHED_SHARE[rating.rating]
    if rating.rating >= 4:
        return share
    return share + 0.06 * (unit(rating.user_id, rating.content_id, "share") - 0.5)


def credits_at_s(duration_s: int) -> int:
    """Where the credits of a film of this length begin."""
    return duration_s - min(CREDITS_MAX_S, duration_s // 20)


def schedule(
    ratings: Iterable[Rating], runtimes_s: Mapping[str, int], *, anchor_ms: int
) -> list[Viewing]:
    """Lay ratings out on a timeline that ends at ``anchor_ms``; in order of the start.

    Rating times are scaled to the week before the anchor, so the last film of each viewer keeps its
    place among those of the others. Before it, a viewer's films follow one another in the order in
    which they were rated: nobody watches two films at once, although raters rate a hundred an hour.
    """
    newest: dict[tuple[str, str], Rating] = {}  # a film rated twice is one viewing
    for rating in sorted(ratings, key=lambda rating: (rating.rated_at_s, rating.content_id)):
        newest[rating.user_id, rating.content_id] = rating
    by_user: dict[str, list[Rating]] = {}
    for rating in newest.values():
        by_user.setdefault(rating.user_id, []).append(rating)
    everyone = [rating.rated_at_s for rating in newest.values()]
    if not everyone:
        return []
    first, span = min(everyone), max(max(everyone) - min(everyone), 1)
    viewings: list[Viewing] = []
    for own in by_user.values():
        own.sort(key=lambda rating: (rating.rated_at_s, rating.content_id))
        share = (own[-1].rated_at_s - first) / span
        viewings += _one_after_another(own, runtimes_s, anchor_ms - int((1 - share) * SPAN_MS))
    return sorted(viewings, key=lambda v: (v.started_at_ms, v.user_id, v.content_id))


def split_last(viewings: Sequence[Viewing]) -> tuple[list[Viewing], list[Viewing]]:
    """Return all viewings but the last of each viewer, and these last ones; orders are kept."""
    last = {viewing.user_id: viewing for viewing in viewings}
    earlier = [viewing for viewing in viewings if viewing is not last[viewing.user_id]]
    return earlier, [viewing for viewing in viewings if viewing is last[viewing.user_id]]


def _one_after_another(
    ratings: Sequence[Rating], runtimes_s: Mapping[str, int], end_ms: int
) -> Iterable[Viewing]:
    """Yield the viewings of one viewer backwards: the last ends at ``end_ms``."""
    for rating in reversed(ratings):
        runtime_s = runtimes_s.get(rating.content_id) or RUNTIME_DEFAULT_S
        duration_s = max(runtime_s, RUNTIME_MIN_S)
        share = watched_share(rating)
        played_s = float(duration_s) if share >= 1 else round(share * duration_s, 1)
        viewing = Viewing(rating.user_id, rating.content_id, 0, duration_s, played_s)
        start_ms = end_ms - int(played_s * 1000) - (BREAK_MS if viewing.paused else 0)
        yield Viewing(rating.user_id, rating.content_id, start_ms, duration_s, played_s)
        end_ms = start_ms - GAP_MS


def events_of(viewing: Viewing) -> list[dict[str, Any]]:
    """Return the 3 or 4 progress events of one viewing in time order, as the API takes them.

    Started, a heartbeat halfway, for long viewings a pause (then the break), and the end.
    """
    played = viewing.played_s
    if viewing.paused:
        cuts = [("playing", 0.0), ("playing", 0.4), ("paused", 0.7)]
    else:
        cuts = [("playing", 0.0), ("playing", 0.5)]
    cuts.append(("ended" if viewing.finished else "stopped", 1.0))
    events, before, waited_ms = [], 0.0, 0
    for number, (state, share) in enumerate(cuts):
        position = played if share == 1 else round(share * played, 1)
        at_ms = viewing.started_at_ms + int(position * 1000) + waited_ms
        events.append(_event(viewing, number, state, (before, position), at_ms))
        before = position
        waited_ms = BREAK_MS if state == "paused" else waited_ms
    return events


def _event(
    viewing: Viewing, number: int, state: str, span_s: tuple[float, float], at_ms: int
) -> dict[str, Any]:
    session = f"{viewing.user_id}-{viewing.content_id}"
    device = "tv" if unit(session, "device") < 0.7 else "phone"
    event = {
        "event_id": f"{session}-{number}",
        "user_id": viewing.user_id,
        "content_id": viewing.content_id,
        "session_id": session,
        "device_id": f"{viewing.user_id}-{device}",
        "state": state,
        "position_s": span_s[1],
        "duration_s": viewing.duration_s,
        "occurred_at_ms": at_ms,
        "credits_at_s": credits_at_s(viewing.duration_s),
    }
    if span_s[1] > span_s[0]:
        event |= {"played_from_s": span_s[0], "played_to_s": span_s[1]}
    return event


def timeline(viewings: Iterable[Viewing]) -> list[dict[str, Any]]:
    """Return the events of all viewings in the order in which they happened; ties by event id."""
    events = [event for viewing in viewings for event in events_of(viewing)]
    return sorted(events, key=lambda event: (event["occurred_at_ms"], event["event_id"]))
