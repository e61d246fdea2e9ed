"""GET /api/v1/users/{user}/recommendations: the stored slate, as it is whenever possible.

A slate is stored as the body that answers the usual question, so that answer is one read by primary
key and no parsing. Only a caller's own limit or region, or a title that was removed since, makes us
open it. A user without a slate gets what is trending, marked as such (``api.cold_start``).
"""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.cold_start import TRENDING_MODEL, ColdStart, cold_start
from api.freshness import AFTER_EVENT, after_event_id, after_event_of, is_known
from api.parsing import Query, path_identifier
from api.responses import json_response, with_member
from api.services import Services, services_of
from domain.availability import is_available
from infra.postgres.slates import ServedSlate
from schemas.api import Recommendations
from schemas.codec import decode, encode
from schemas.content import Content

LIMIT_MAX = 200
NO_ENTRIES = b'"entries":[]'  # in a stored body; inside a text its quotes would be escaped


async def get_recommendations(request: Request) -> Response:
    """Answer with the user's slate."""
    user_id = path_identifier(request, "user")
    query = Query(request)
    services = services_of(request)
    limit = query.limit(default=services.settings.slate_size, maximum=LIMIT_MAX)
    region = query.region()
    event_id = after_event_id(query)
    slate = await services.slates.fetch(user_id)
    body = await stored(services, slate, limit, region)
    if body is None:
        body = as_body(user_id, await cold_start(services, slate, limit, region))
    if event_id is not None:
        included = includes(slate, event_id)
        body = with_member(body, AFTER_EVENT, after_event_of(event_id, included=included))
    return json_response(body)


async def stored(
    services: Services, slate: ServedSlate, limit: int, region: str | None
) -> bytes | None:
    """Return the stored slate as asked for; None when it has nothing to show."""
    if slate.body is None or is_empty(slate):
        return None
    if limit == services.settings.slate_size and region is None and not slate.removed_ids:
        return bytes(slate.body)
    return await narrowed(services, slate, limit, region)


def is_empty(slate: ServedSlate) -> bool:
    """Whether a user is to be answered like a new one.

    A slate is empty when it was made before anything was known about any title. It is not made
    again until the user's next interaction.
    """
    return slate.body is None or NO_ENTRIES in slate.body


def includes(slate: ServedSlate, event_id: str) -> bool:
    """Whether the slate was made with the event known.

    The event is in the user's watch states, and the slate is not older than the newest change
    derived from them.
    """
    known = is_known(event_id, slate.recent_events)
    return known and slate.source_offset >= slate.interaction_offset


def as_body(user_id: str, found: ColdStart) -> bytes:
    """Return the answer for a user without a slate."""
    return encode(
        Recommendations(
            user_id=user_id,
            as_of=found.as_of,
            cold_start=True,
            generated_at_ms=found.generated_at_ms,
            model_version=TRENDING_MODEL,
            entries=found.entries,
        )
    )


async def narrowed(
    services: Services, slate: ServedSlate, limit: int, region: str | None
) -> bytes | None:
    """Return the body without what was removed, is not available in the region, or is too much.

    None when nothing is left.
    """
    document: dict[str, Any] = orjson.loads(slate.body or b"")
    hidden = set(slate.removed_ids)
    if region is not None:
        hidden |= await unavailable_in(
            services, [entry["content_id"] for entry in document["entries"]], region
        )
    kept = [entry for entry in document["entries"] if entry["content_id"] not in hidden]
    return orjson.dumps({**document, "entries": kept[:limit]}) if kept else None


async def unavailable_in(services: Services, content_ids: list[str], region: str) -> set[str]:
    """Return those that cannot be watched in the region now; unknown contents are not judged."""
    now_ms = services.clock_ms()
    found = await services.contents.fetch(content_ids)
    contents = (decode(Content, body) for body in found.values())
    return {item.content_id for item in contents if not is_available(item, region, now_ms)}
