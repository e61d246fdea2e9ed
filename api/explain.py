"""GET /api/v1/users/{user}/explain/{content_id}: the slate as served + what is known now -> why.

What happened when the slate was made is read from what was stored with it; ``domain.absence`` names
the first thing that kept a title out.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.cold_start import TRENDING_MODEL, cold_start
from api.freshness import AFTER_EVENT, after_event_id, after_event_of
from api.parsing import Query, path_identifier
from api.problems import ProblemError
from api.recommendations import includes, is_empty
from api.responses import json_response
from api.services import Services, services_of
from api.titles import titles_of
from api.trending import judge_of
from domain.absence import Absence, Served, rank_of, why_absent
from domain.packed_ranking import unpacked
from domain.ranking.rules import FOR_YOU
from domain.sources.labels import LABELS
from domain.title_attributes import wholes_of
from infra.postgres.slates import ServedSlate
from schemas.api import Explanation, Recommendations, ScoreCause, ScoreTerm
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.ranking_rule import RankingRule
from schemas.slate import PackedRanking, SlateEntry, SlateRanking
from schemas.watch_state import WatchState

REMOVED = Absence("removed", "It was removed from the catalogue")
Members = dict[str, Any]


async def get_explanation(request: Request) -> Response:
    """Answer why a title is in the user's slate, or what kept it out."""
    user_id = path_identifier(request, "user")
    content_id = path_identifier(request, "content_id")
    query = Query(request)
    region = query.region()
    event_id = after_event_id(query)
    services = services_of(request)
    slate = await services.slates.fetch_with_ranking(user_id)
    content = await known_content(services, content_id)
    members: Members = {"user_id": user_id, "content_id": content_id}
    if event_id is not None:
        members[AFTER_EVENT] = after_event_of(event_id, included=includes(slate, event_id))
    if is_empty(slate):
        found = await by_trend(services, slate, content, region)
    else:
        found = await by_slate(services, slate, content)
    members = {"explained_content_id": content_id} | members | found
    return json_response(encode(Explanation(**members)))


async def known_content(services: Services, content_id: str) -> Content | None:
    """Return a content; None when it was removed, 404 when it was never announced."""
    body = (await services.contents.fetch([content_id])).get(content_id)
    if body is not None:
        return decode(Content, body)
    if await services.contents.fetch_removed([content_id]):
        return None
    raise ProblemError(problems.NOT_FOUND, "no such content")


async def home_of(services: Services, content: Content) -> Content:
    """Return the title that a content counts for; see ``domain.slate_index.RollUp``."""
    path = {content.content_id: content}
    while True:
        wholes = wholes_of(content)
        found = await services.contents.fetch(wholes) if wholes else {}
        above = next((each for each in wholes if each in found), None)
        if above is None:
            return content
        if above in path:
            circle = list(path)[list(path).index(above) :]
            return path[min(circle)]
        content = path[above] = decode(Content, found[above])


async def by_slate(services: Services, slate: ServedSlate, content: Content | None) -> Members:
    """Return what a slate and its ranking say of a title."""
    served = decode(Recommendations, slate.body)
    ranking = ranking_of(slate, served)
    members: Members = {
        "as_of": served.as_of,
        "cold_start": False,
        "generated_at_ms": served.generated_at_ms,
        "model_version": served.model_version,
        "slate_score_min": min(
            (entry.score for entry in served.entries if is_placed_by_score(entry)), default=None
        ),
    }
    if ranking is not None:
        members["candidates"] = ranking.candidates
        members["pool_score_min"] = min(ranking.pool.values(), default=None)
    if content is None:
        return members | absent(REMOVED)
    home = await home_of(services, content)
    members |= {"explained_content_id": home.content_id, "title": home.title}
    if ranking is not None:
        members |= ranked(home.content_id, ranking)
    places = {entry.content_id: place for place, entry in enumerate(served.entries)}
    place = places.get(home.content_id)
    if place is None:
        return members | absent(await absence_of(services, served, home, ranking))
    members |= shown(place, served.entries[place])
    return members if ranking is None else members | await made_of(services, place, ranking)


def ranking_of(slate: ServedSlate, served: Recommendations) -> SlateRanking | None:
    """Return how a slate came about; None: it is older than the records that would tell."""
    if slate.packed_ranking is not None:
        return unpacked(decode(PackedRanking, slate.packed_ranking), served.entries)
    return None if slate.ranking is None else decode(SlateRanking, slate.ranking)


def is_placed_by_score(entry: SlateEntry) -> bool:
    """Whether an entry neither explores nor is pinned (then a rule is all that it is based on)."""
    pinned = len(entry.based_on) == 1 and entry.based_on[0].startswith("rule:")
    return entry.recommendation_type != "exploration" and not pinned


def ranked(content_id: str, ranking: SlateRanking) -> Members:
    """Return how a title stood, shown or not."""
    return {
        "rank": rank_of(content_id, ranking),
        "score": ranking.pool.get(content_id),
        "lift": ranking.lifts.get(content_id, 0.0),
        "rules": ranking.rules.get(content_id, ()),
    }


def shown(place: int, entry: SlateEntry) -> Members:
    """Return an entry as it was served."""
    return {
        "place": place + 1,
        "score": entry.score,
        "explanation": entry.explanation,
        "recommendation_type": entry.recommendation_type,
        "based_on": entry.based_on,
    }


def absent(absence: Absence) -> Members:
    """Return why a title is not shown."""
    members: Members = {"reason": absence.reason, "explanation": absence.explanation}
    return members | {"rules": absence.rules} if absence.rules else members


async def made_of(services: Services, place: int, ranking: SlateRanking) -> Members:
    """Return the terms of an entry's score, by source and by title of the viewer."""
    terms = zip(ranking.sources, ranking.terms[place], strict=True)
    because = ranking.because[place]
    titles = await titles_of(services, list(because))
    return {
        "terms": tuple(term_of(*each) for each in sorted(terms, key=lambda each: -each[1])),
        "because": tuple(
            ScoreCause(content_id=each, title=titles.get(each), value=value)
            for each, value in because.items()
        ),
    }


def term_of(source: str, value: float) -> ScoreTerm:
    """Return the term of a source; one of a newer version is called by its name."""
    label = LABELS.get(source)
    if label is None:
        return ScoreTerm(source=source, label=source, value=value)
    return ScoreTerm(source=source, kind=label.kind, label=label.text, value=value)


async def absence_of(
    services: Services, served: Recommendations, home: Content, ranking: SlateRanking | None
) -> Absence:
    """Return why a title is not in a slate."""
    states = await services.watch_states.fetch_of_title(served.user_id, home.content_id)
    wanted = () if ranking is None else ranking.filters
    rules = await services.ranking_rules.fetch(wanted) if wanted else []
    return why_absent(
        home,
        [decode(WatchState, body) for body in states],
        Served(
            served.generated_at_ms,
            len(served.entries),
            ranking,
            [decode(RankingRule, body) for body in rules],
        ),
    )


async def by_trend(
    services: Services, slate: ServedSlate, content: Content | None, region: str | None
) -> Members:
    """Return what the list of a user without a slate says of a title: there, parts trend alone."""
    found = await cold_start(services, slate, services.settings.slate_size, region)
    members: Members = {
        "as_of": found.as_of,
        "cold_start": True,
        "generated_at_ms": found.generated_at_ms,
        "model_version": TRENDING_MODEL,
        "candidates": len(found.trending),
    }
    if content is None:
        return members | absent(REMOVED)
    content_id = content.content_id
    members["title"] = content.title
    ranks = {title.content_id: rank for rank, title in enumerate(found.trending, 1)}
    rank = ranks.get(content_id)
    if rank is not None:
        members |= {"rank": rank, "score": found.trending[rank - 1].score}
    for place, entry in enumerate(found.entries):
        if entry.content_id == content_id:
            return members | shown(place, entry)
    if rank is not None:
        size = sum(entry.recommendation_type == "trending" for entry in found.entries)
        return members | absent(
            Absence("rank", f"Number {rank} of what trends; {size} are shown to a new viewer")
        )
    verdict = (await judge_of(services, region, FOR_YOU)).verdict(content)
    return members | absent(verdict or Absence("not_trending", "A new viewer is shown what trends"))
