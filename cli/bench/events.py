"""A deterministic stream of realistic progress events: the same seed gives the same bytes.

The model, stated so that a figure can be judged: ``viewers`` viewers, half of them watching at any
moment; titles by a Zipf law (exponent 1) over ``titles`` titles of 22 to 150 minutes; a session is
a heartbeat every 30 s with the range really played, 2 % pauses, 3 % seeks, and ends after a
log-normal share of the title (about 20 heartbeats) or at its end. Which viewer reports next is
drawn uniformly among those watching, so a batch rarely holds one viewer twice: no locality helps.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

from schemas.codec import encode
from schemas.progress import PlaybackState, ProgressEvent

HEARTBEAT_S = 30.0
START_AT_MS = 1_760_000_000_000  # an arbitrary fixed date: no clock is read
REGIONS = ("DE", "FR", "GB", "US")
DURATIONS_S = (1320.0, 1500.0, 2700.0, 3300.0, 5400.0, 6600.0, 9000.0)


@dataclass(slots=True)
class Session:
    """One viewer watching one title."""

    user: int
    title: int
    number: int
    duration_s: float
    position_s: float
    until_s: float
    heartbeat_s: float = HEARTBEAT_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Population:
    """Who watches what. ``watching``: viewers with an open session at any moment."""

    viewers: int
    watching: int
    titles: int = 5000
    seed: int = 7
    event_prefix: str = "e"
    start_at_ms: int = START_AT_MS


def user_name(number: int) -> str:
    """Return the user id of viewer ``number``."""
    return f"viewer-{number:07d}"


def title_name(number: int) -> str:
    """Return the content id of title ``number``; a lower number is watched more."""
    return f"title-{number:05d}"


def duration_of(title: int) -> float:
    """Return the length of a title in seconds."""
    return DURATIONS_S[title * 2654435761 % len(DURATIONS_S)]


def zipf_weights(titles: int) -> list[float]:
    """Return cumulative Zipf weights (exponent 1) for ``titles`` titles."""
    return list(accumulate(1.0 / (rank + 1) for rank in range(titles)))


def progress_events(population: Population) -> Iterator[ProgressEvent]:
    """Yield events without end, in time order of their acceptance."""
    dice = random.Random(population.seed)  # noqa: S311  # simulation, not security
    weights = zipf_weights(population.titles)
    names = range(population.titles)

    def new_session(number: int) -> Session:
        title = dice.choices(names, cum_weights=weights)[0]
        length = duration_of(title)
        share = min(1.0, dice.lognormvariate(-1.8, 0.8))
        return Session(
            dice.randrange(population.viewers), title, number, length, 0.0, share * length
        )

    sessions = [new_session(number) for number in range(population.watching)]
    opened = len(sessions)
    at_ms = population.start_at_ms
    sequence = 0
    while True:
        slot = dice.randrange(len(sessions))
        session = sessions[slot]
        event_id = f"{population.event_prefix}-{sequence:09d}"
        event, ended = report(session, dice, at_ms, event_id)
        yield event
        sequence += 1
        at_ms += max(1, int(HEARTBEAT_S * 1000 / population.watching))
        if ended:
            sessions[slot] = new_session(opened)
            opened += 1


def report(
    session: Session, dice: random.Random, at_ms: int, event_id: str
) -> tuple[ProgressEvent, bool]:
    """Advance ``session`` by one heartbeat; return its report and whether the session ended."""
    before = session.position_s
    session.position_s = round(min(before + session.heartbeat_s, session.duration_s), 3)
    ended = session.position_s >= session.until_s
    state: PlaybackState = "playing"
    if ended:
        state = "ended" if session.position_s >= session.duration_s else "stopped"
    elif dice.random() < 0.02:
        state = "paused"
    event = ProgressEvent(
        event_id=event_id,
        user_id=user_name(session.user),
        content_id=title_name(session.title),
        session_id=f"s-{session.number:08d}",
        device_id=f"d-{session.user % 3}",
        state=state,
        position_s=session.position_s,
        duration_s=session.duration_s,
        occurred_at_ms=at_ms,
        played_from_s=before,
        played_to_s=session.position_s,
        region=REGIONS[session.user % len(REGIONS)],
        client_app="bench",
        client_version="1.0",
        accepted_at_ms=at_ms + 20,
    )
    if not ended and dice.random() < 0.03:  # the next heartbeat continues elsewhere
        session.position_s = round(dice.uniform(0.0, session.until_s), 3)
    return event, ended


def encoded_events(population: Population, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield ``count`` records as (key, value) in the bytes the gateway would write."""
    for event in islice(progress_events(population), count):
        yield event.user_id.encode(), encode(event)
