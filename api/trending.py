"""Trending lists: partials of all shards -> one list of titles that can be shown here and now.

Offers, the age limit and the filters of the row hold; what trends is not reordered by rules.
"""

from collections.abc import Sequence

from api.services import Services
from domain import trending
from domain.absence import Judge
from domain.ranking.rules import TRENDING, filters_of
from infra.postgres.pool import UNAVAILABLE
from schemas.api import Trending, TrendingTitle
from schemas.codec import decode
from schemas.content import Content
from schemas.ranking_rule import RankingRule
from schemas.times import to_rfc3339
from schemas.trending import TrendingPartial

TITLES_MAX = 100  # of one list
LOOK_STEP = 200  # contents read at a time until the list is full
LOOK_MAX = 2000  # titles looked at for one list: a rare genre may have fewer than TITLES_MAX
STALE_MAX_S = 300.0  # how old a list may get while the database is away; ``as_of`` says it


async def trending_list(
    services: Services, region: str | None, genre: str | None, row: str = TRENDING
) -> Trending:
    """Return the list of a region and genre: seconds old, or older while Postgres is away.

    ``row`` says whose filters hold: that of what trends, or the one that it stands in for.
    """
    cache, key = services.trending_cache, (region, genre, row)
    try:
        return await cache.get_or_load(key, lambda: build(services, region, genre, row))
    except UNAVAILABLE:
        stale = cache.get_stale(key, STALE_MAX_S)
        if stale is None:
            raise
        return stale[0]


async def build(services: Services, region: str | None, genre: str | None, row: str) -> Trending:
    """Merge the partials and keep what is in the catalogue, of the genre, and may be shown."""
    partials = [decode(TrendingPartial, b) for b in await services.trending.fetch_partials()]
    ranked = trending.merge(partials, limit=LOOK_MAX, region=region)
    judge = await judge_of(services, region, row)
    entries: list[TrendingTitle] = []
    for start in range(0, len(ranked), LOOK_STEP):
        entries += await shown(services, ranked[start : start + LOOK_STEP], judge, genre)
        if len(entries) >= TITLES_MAX:
            break
    return Trending(
        region=region,
        genre=genre,
        as_of=to_rfc3339(trending.newest_as_of_ms(partials) or services.clock_ms()),
        score_total=round(sum(title.score for title in ranked), 9),
        entries=tuple(entries[:TITLES_MAX]),
    )


async def judge_of(services: Services, region: str | None, row: str) -> Judge:
    """Return what holds for a row in a region now."""
    rules = [decode(RankingRule, body) for body in await services.ranking_rules.fetch_all()]
    now_ms = services.clock_ms()
    filters = filters_of(rules, row, region, now_ms)
    return Judge(region, services.settings.slate_age_max, filters, now_ms)


async def shown(
    services: Services,
    ranked: Sequence[trending.TrendingTitle],
    judge: Judge,
    genre: str | None,
) -> list[TrendingTitle]:
    """Return those of ``ranked`` that can be shown, in order."""
    bodies = await services.contents.fetch([title.content_id for title in ranked])
    entries = []
    for title in ranked:
        body = bodies.get(title.content_id)
        content = None if body is None else decode(Content, body)
        if content is None or judge.verdict(content) is not None:
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
