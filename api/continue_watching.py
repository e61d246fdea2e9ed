"""GET /api/v1/users/{user}/continue-watching: watch states + contents -> cards."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from api.freshness import after_event_id, envelope
from api.parsing import Query, path_identifier
from api.responses import json_response
from api.services import Services, services_of
from domain.continue_watching import VERSION_HOPS_MAX, Card, RowRules, cards
from domain.resume import resume_probabilities
from infra.postgres.watch_states import ROW_STATES_MAX
from schemas.api import ContinueWatching, WatchCard
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.watch_state import WatchState

CARDS_DEFAULT, CARDS_MAX = 20, 100
ORDERS = ("recent", "resume")
ORDER_PATTERN = re.compile("|".join(ORDERS))


class Watched(NamedTuple):
    """What a user's watch states say: the states, the titles they are about, and all cards."""

    states: list[WatchState]
    contents: dict[str, Content]
    cards: list[WatchCard]


async def get_continue_watching(request: Request) -> Response:
    """Answer with the row."""
    user_id = path_identifier(request, "user")
    query = Query(request)
    services = services_of(request)
    limit = query.limit(default=CARDS_DEFAULT, maximum=CARDS_MAX)
    region = query.region()
    by_resume = query.text("order", ORDER_PATTERN, " or ".join(ORDERS)) == "resume"
    event_id = after_event_id(query)
    viewer = await services.viewers.fetch(user_id)  # before the rows: see infra.postgres.viewers
    found = (await watched(services, user_id, region)).cards
    entries = by_probability(found) if by_resume else found
    members = envelope(user_id, viewer, event_id, services.clock_ms())
    return json_response(encode(ContinueWatching(**members, entries=tuple(entries[:limit]))))


async def watched(services: Services, user_id: str, region: str | None) -> Watched:
    """Return what a user watched, as cards newest first, each with its resume probability."""
    bodies = await services.watch_states.fetch_row(user_id)
    states = [decode(WatchState, body) for body in bodies]
    contents = await contents_of(services, {state.content_id for state in states})
    states = await without_removed(services, states, contents)
    rules = RowRules(
        completed_row_days=services.settings.completed_row_days,
        abandoned_row_days=services.settings.abandoned_row_days,
        limit=ROW_STATES_MAX,
        region=region,
    )
    now_ms = services.clock_ms()
    row = cards(states, contents, now_ms, rules)
    probabilities = resume_probabilities(row, contents, now_ms)
    return Watched(
        states,
        contents,
        [card_of(card, contents, p) for card, p in zip(row, probabilities, strict=True)],
    )


def by_probability(found: Iterable[WatchCard]) -> list[WatchCard]:
    """Return cards, the most probable to be gone on with first; ties by content id."""
    return sorted(found, key=lambda card: (-(card.resume_probability or 0.0), card.content_id))


async def without_removed(
    services: Services, states: list[WatchState], contents: dict[str, Content]
) -> list[WatchState]:
    """Leave out titles that were removed from the catalogue, which nobody can resume.

    Titles never announced stay. So do decisions: a hidden series or version speaks for others.
    """
    unknown = {state.content_id for state in states} - set(contents)
    removed = await services.contents.fetch_removed(sorted(unknown)) if unknown else set()
    return [
        state
        for state in states
        if state.content_id not in removed or state.hidden or state.dismissed
    ]


async def contents_of(services: Services, content_ids: set[str]) -> dict[str, Content]:
    """Return the contents, the titles they are versions of, their series, and all its episodes."""
    contents: dict[str, Content] = {}
    missing = content_ids
    for _ in range(VERSION_HOPS_MAX):
        if not missing:
            break
        found = by_id((await services.contents.fetch(sorted(missing))).values())
        contents.update(found)
        linked = (
            link for item in found.values() for link in (item.version_of, item.series_id) if link
        )
        missing = set(linked) - set(contents)
    series_ids = {item.series_id for item in contents.values() if item.series_id}
    if series_ids:
        contents.update(by_id(await services.contents.fetch_episodes(sorted(series_ids))))
    return contents


def by_id(bodies: Iterable[bytes]) -> dict[str, Content]:
    """Return decoded contents by id."""
    decoded = (decode(Content, body) for body in bodies)
    return {content.content_id: content for content in decoded}


def card_of(card: Card, contents: dict[str, Content], probability: float) -> WatchCard:
    """Return a card with what people see of the title."""
    content = contents.get(card.content_id)
    series = contents.get(card.series_id) if card.series_id else None
    return WatchCard(
        content_id=card.content_id,
        title=content.title if content else None,
        type=content.type if content else None,
        series_id=card.series_id,
        series_title=series.title if series else None,
        season_number=content.season_number if content else None,
        episode_number=content.episode_number if content else None,
        kind=card.kind,
        position_s=card.position_s,
        duration_s=card.duration_s,
        progress=card.progress,
        updated_at_ms=card.sorted_at_ms,
        resume_probability=probability,
    )
