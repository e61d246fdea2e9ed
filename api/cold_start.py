"""What a user without a slate is shown: what trends, and here and there a title that is new."""

from typing import NamedTuple

from api.services import Services
from api.trending import judge_of, trending_list
from domain.availability import is_available
from domain.ranking import budget
from domain.ranking.rules import FOR_YOU
from infra.postgres.slates import ServedSlate
from schemas.api import TrendingTitle
from schemas.codec import decode
from schemas.content import Content
from schemas.slate import SlateEntry
from schemas.times import to_rfc3339

TRENDING_MODEL = "trending"
NEWEST_MAX = 50  # titles among which places that explore look


class ColdStart(NamedTuple):
    """What a user without a slate is shown, and all that trends where they are."""

    as_of: str
    generated_at_ms: int
    entries: tuple[SlateEntry, ...]
    trending: tuple[TrendingTitle, ...]


async def cold_start(
    services: Services, slate: ServedSlate, limit: int, region: str | None
) -> ColdStart:
    """Return what a user without a slate is shown."""
    trending = await trending_list(services, region, None, FOR_YOU)
    now_ms = services.clock_ms()
    as_of = to_rfc3339(slate.as_of_ms) if slate.as_of_ms else trending.as_of  # 0: only seeks
    ttl_s = services.settings.slate_ttl_s
    entries = [trending_entry(title, now_ms, ttl_s) for title in trending.entries[:limit]]
    places = budget.places(limit, services.settings.exploration_budget)
    if places:
        shown = {entry.content_id for entry in entries}
        new = [title for title in await newest(services, region) if title.content_id not in shown]
        explored = [exploring_entry(title, now_ms, ttl_s) for title in new[: len(places)]]
        entries = entries[: limit - len(explored)]
        for place, entry in zip(places, explored, strict=False):
            entries.insert(place, entry)
    return ColdStart(as_of, now_ms, tuple(entries), trending.entries)


async def newest(services: Services, region: str | None) -> list[Content]:
    """Return the titles that arrived last and may be shown here and now, the newest first."""
    found = await services.newest_cache.get_or_load(region, lambda: load_newest(services, region))
    now_ms = services.clock_ms()  # an offer ends to the millisecond
    return [title for title in found if is_available(title, region, now_ms)]


async def load_newest(services: Services, region: str | None) -> tuple[Content, ...]:
    """Return those titles that may be shown, the newest first."""
    judge = await judge_of(services, region, FOR_YOU)
    bodies = await services.contents.fetch_newest(NEWEST_MAX)
    contents = (decode(Content, body) for body in bodies)
    return tuple(each for each in contents if judge.verdict(each) is None)


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


def exploring_entry(title: Content, now_ms: int, ttl_s: int) -> SlateEntry:
    """Return the entry of a title that is shown because it is new; nothing scores it yet."""
    return SlateEntry(
        content_id=title.content_id,
        title=title.title,
        score=0.0,
        recommendation_type="exploration",
        based_on=(budget.EXPLORES,),
        explanation=budget.EXPLANATION,
        generated_at_ms=now_ms,
        ttl_s=ttl_s,
        model_version=TRENDING_MODEL,
    )
