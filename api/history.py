"""GET /api/v1/users/{user}/history: watch states, newest first, page by page."""

import re

from starlette.requests import Request
from starlette.responses import Response

from api.cursors import format_cursor, read_cursor
from api.freshness import after_event_id, envelope
from api.parsing import Query, path_identifier
from api.responses import json_response
from api.services import Services, services_of
from api.titles import titles_of
from infra.postgres.watch_states import HistoryCursor
from schemas.api import History, HistoryEntry
from schemas.codec import decode, encode
from schemas.watch_state import WatchState

PAGE_DEFAULT, PAGE_MAX = 20, 100
READ_AHEAD = 500  # states at once, where a page needs more than it shows
POSITION = re.compile(r"([0-9]{1,15})\|([A-Za-z0-9][A-Za-z0-9._:@\-]{0,63})", re.ASCII)


async def get_history(request: Request) -> Response:
    """Answer with one page."""
    user_id = path_identifier(request, "user")
    query = Query(request)
    services = services_of(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    event_id = after_event_id(query)
    match = read_cursor(query, POSITION)
    after = None if match is None else HistoryCursor(int(match.group(1)), match.group(2))
    viewer = await services.viewers.fetch(user_id)  # before the rows: see infra.postgres.viewers
    states = await listed(services, user_id, limit + 1, after)
    page = states[:limit]
    titles = await titles_of(services, [state.content_id for state in page])
    answer = History(
        **envelope(user_id, viewer, event_id, services.clock_ms()),
        entries=tuple(HistoryEntry.of(item, titles.get(item.content_id)) for item in page),
        next_cursor=format_cursor(page[-1].updated_at_ms, page[-1].content_id)
        if len(states) > limit
        else None,
    )
    return json_response(encode(answer))


async def listed(
    services: Services, user_id: str, count: int, after: HistoryCursor | None
) -> list[WatchState]:
    """Return the next ``count`` states that history lists, fewer only at the end."""
    found: list[WatchState] = []
    size = count
    while True:
        bodies = await services.watch_states.fetch_history(user_id, size, after)
        states = [decode(WatchState, body) for body in bodies]
        found += filter(is_listed, states)
        if len(found) >= count or len(states) < size:
            return found[:count]
        after = HistoryCursor(states[-1].updated_at_ms, states[-1].content_id)
        size = READ_AHEAD


def is_listed(state: WatchState) -> bool:
    """Whether the title was ever started or decided about; a seek alone is no watching."""
    decided = state.dismissed or state.hidden or state.rating is not None
    return state.started_at_ms is not None or decided
