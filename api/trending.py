"""Trending lists: partials of all shards -> one list of titles that can be shown here and now."""

from collections.abc import Sequence

from api.services import Services
from domain import trending
from domain.availability import is_available
from domain.ranking.maturity import age_of
from infra.postgres.pool import UNAVAILABLE
from schemas.api import Trending, TrendingTitle
from schemas.codec import decode
from schemas.content import Content
from schemas.times import to_rfc3339
from schemas.trending import TrendingPartial

TITLES_MAX = 100  # of one list
LOOK_STEP = 200  # contents read at a time until the list is full
LOOK_MAX = 2000  # titles looked at for one list: a rare genre may have fewer than TITLES_MAX
STALE_MAX_S = 300.0  # how old a list may get while the database is away; ``as_of`` says it


async def trending_list(services: Services, region: str | None, genre: str | None) -> Trending:
    """Return the list of a region and genre: seconds old, or older while Postgres is away."""
    cache = services.trending_cache
    try:
        return await cache.get_or_load((region, genre), lambda: build(services, region, genre))
    except UNAVAILABLE:
        stale = cache.get_stale((region, genre), STALE_MAX_S)
        if stale is None:
            raise
        return stale[0]


async def build(services: Services, region: str | None, genre: str | None) -> Trending:
    """Merge the partials and keep what is in the catalogue, of the genre, and may be shown."""
    partials = [decode(TrendingPartial, b) for b in await services.trending.fetch_partials()]
    ranked = trending.merge(partials, limit=LOOK_MAX, region=region)
    entries: list[TrendingTitle] = []
    for start in range(0, len(ranked), LOOK_STEP):
        entries += await shown(services, ranked[start : start + LOOK_STEP], region, genre)
        if len(entries) >= TITLES_MAX:
            break
    return Trending(
        region=region,
        genre=genre,
        as_of=to_rfc3339(trending.newest_as_of_ms(partials) or services.clock_ms()),
        score_total=round(sum(title.score for title in ranked), 9),
        entries=tuple(entries[:TITLES_MAX]),
    )


async def shown(
    services: Services,
    ranked: Sequence[trending.TrendingTitle],
    region: str | None,
    genre: str | None,
) -> list[TrendingTitle]:
    """Return those of ``ranked`` that can be shown, in order."""
    bodies = await services.contents.fetch([title.content_id for title in ranked])
    now_ms, age_max = services.clock_ms(), services.settings.slate_age_max
    entries = []
    for title in ranked:
        body = bodies.get(title.content_id)
        content = None if body is None else decode(Content, body)
        if content is None or not is_available(content, region, now_ms):
            continue
        if age_of(content.maturity_rating) > age_max:
            continue
        if genre is None or genre in content.genres:
            entries.append(
                TrendingTitle(
                    content_id=title.content_id,
                    title=content.title,
                    score=title.score,
                    viewers=title.viewers,
                )
            )
    return entries
