"""GET /api/v1/users/{user}/recommendations: the stored slate, as it is whenever possible.

A slate is stored as the body that answers the usual question, so that answer is one read by primary
key and no parsing. Only a caller's own limit or region, or a title that was removed since, makes us
open it. A user without a slate gets what is trending, marked as such.
"""

from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.auth import authenticate
from api.freshness import AFTER_EVENT, after_event_id, after_event_of, is_known
from api.parsing import Query, path_identifier
from api.responses import json_response, with_member
from api.services import Services, services_of
from api.trending import trending_list
from domain.availability import is_available
from infra.postgres.slates import ServedSlate
from infra.security.keys import RECOMMENDATIONS_READ
from schemas.api import Recommendations, TrendingTitle
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.slate import SlateEntry
from schemas.times import to_rfc3339

LIMIT_MAX = 200
TRENDING_MODEL = "trending"
NO_ENTRIES = b'"entries":[]'  # in a stored body; inside a text its quotes would be escaped


async def get_recommendations(request: Request) -> Response:
    """Answer with the user's slate."""
    principal = await authenticate(request, RECOMMENDATIONS_READ)
    user_id = path_identifier(request, "user")
    principal.require_user(user_id)
    query = Query(request)
    services = services_of(request)
    limit = query.limit(default=services.settings.slate_size, maximum=LIMIT_MAX)
    region = query.region()
    event_id = after_event_id(query)
    slate = await services.slates.fetch(user_id)
    body = await stored(services, slate, limit, region)
    if body is None:
        body = await cold_start(services, user_id, slate, limit, region)
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


class ColdStart(NamedTuple):
    """What a user without a slate is shown, and all that trends where they are."""

    as_of: str
    generated_at_ms: int
    entries: tuple[SlateEntry, ...]
    trending: tuple[TrendingTitle, ...]


async def cold_start(
    services: Services, user_id: str, slate: ServedSlate, limit: int, region: str | None
) -> bytes:
    """Return what is trending as the answer for a user without a slate."""
    found = await cold_start_list(services, slate, limit, region)
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


async def cold_start_list(
    services: Services, slate: ServedSlate, limit: int, region: str | None
) -> ColdStart:
    """Return what is trending as the entries of a user without a slate."""
    trending = await trending_list(services, region, None)
    now_ms = services.clock_ms()
    as_of = to_rfc3339(slate.as_of_ms) if slate.as_of_ms else trending.as_of  # 0: only seeks
    entries = (
        trending_entry(title, now_ms, services.settings.slate_ttl_s)
        for title in trending.entries[:limit]
    )
    return ColdStart(as_of, now_ms, tuple(entries), trending.entries)


def trending_entry(title: TrendingTitle, now_ms: int, ttl_s: int) -> SlateEntry:
    """Return the entry of a title that is shown because it is trending."""
    return SlateEntry(
        content_id=title.content_id,
        title=title.title,
        score=title.score,
        recommendation_type="trending",
        based_on=("trending",),
        explanation=f"Trending now: {title.viewers} viewers",
        generated_at_ms=now_ms,
        ttl_s=ttl_s,
        model_version=TRENDING_MODEL,
    )
