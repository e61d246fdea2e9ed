"""GET content, similar titles and trending."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.attributes import similar_by_attribute
from api.parsing import Query, path_identifier
from api.problems import ProblemError
from api.responses import json_response
from api.services import Services, services_of
from api.trending import TITLES_MAX, trending_list
from domain.title_attributes import KINDS
from schemas.api import Similar, SimilarTitle
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.neighbours import Neighbours

SIMILAR_DEFAULT = 20
TRENDING_DEFAULT = 20
GENRE_PATTERN = re.compile(r"[A-Za-z][A-Za-z \-]{0,39}", re.ASCII)


async def get_content(request: Request) -> Response:
    """Answer with the canonical content, whichever of its names is asked for."""
    content_id = path_identifier(request, "content_id")
    return json_response((await require_title(services_of(request), content_id))[1])


async def require_content(services: Services, content_id: str) -> bytes:
    """Return the canonical bytes of a content, 404 when there is none."""
    body = (await services.contents.fetch([content_id])).get(content_id)
    if body is None:
        raise ProblemError(problems.NOT_FOUND, "no such content")
    return body


async def require_title(services: Services, content_id: str) -> tuple[str, bytes]:
    """Return id and canonical bytes of the title with this id or other name; 404 without one."""
    body = await require_content(services, content_id)
    title_id = decode(Content, body).same_as
    if title_id is None:
        return content_id, body
    return title_id, await require_content(services, title_id)


async def get_similar(request: Request) -> Response:
    """Answer with titles that are similar in the sense of ``by``."""
    content_id = path_identifier(request, "content_id")
    query = Query(request)
    by = query.text("by", BY_PATTERN, " or ".join(SIMILAR_BY)) or SIMILAR_BY_DEFAULT
    services = services_of(request)
    limit = query.limit(default=SIMILAR_DEFAULT, maximum=services.settings.neighbours_max)
    title_id, _ = await require_title(services, content_id)
    return json_response(encode(await SIMILAR_BY[by](services, title_id, limit)))


async def similar_by_cowatch(services: Services, content_id: str, limit: int) -> Similar:
    """Return the co-watch neighbours that are still in the catalogue."""
    body = await services.neighbours.fetch(content_id)
    if body is None:
        return Similar(content_id=content_id, by="cowatch", entries=())
    found = decode(Neighbours, body)
    return Similar(
        content_id=content_id,
        by="cowatch",
        model_version=found.model_version,
        entries=await titled(services, found, limit),
    )


async def similar_by_embedding(services: Services, content_id: str, limit: int) -> Similar:
    """Return the titles whose text is nearest in meaning; the score is the cosine."""
    found = await services.embeddings.nearest(content_id, limit)
    if found is None:
        return Similar(content_id=content_id, by="embedding", entries=())
    entries = tuple(
        SimilarTitle(content_id=name, title=title, score=score)
        for name, title, score in found.titles
    )
    return Similar(content_id=content_id, by="embedding", encoder=found.encoder, entries=entries)


SIMILAR_BY: dict[str, Callable[[Services, str, int], Awaitable[Similar]]] = {
    "cowatch": similar_by_cowatch,
    "embedding": similar_by_embedding,
    **{kind: partial(similar_by_attribute, kind) for kind in KINDS},
}
SIMILAR_BY_DEFAULT = "cowatch"
BY_PATTERN = re.compile("|".join(SIMILAR_BY))


async def titled(
    services: Services, neighbours: Neighbours, limit: int
) -> tuple[SimilarTitle, ...]:
    """Return the best ``limit`` neighbours that are in the catalogue, with titles."""
    bodies = await services.contents.fetch([item.content_id for item in neighbours.neighbours])
    entries = [
        SimilarTitle(
            content_id=item.content_id,
            title=decode(Content, bodies[item.content_id]).title,
            score=item.weight,
        )
        for item in neighbours.neighbours
        if item.content_id in bodies
    ]
    return tuple(entries[:limit])


async def get_trending(request: Request) -> Response:
    """Answer with the trending list of a region and genre."""
    query = Query(request)
    region = query.region()
    genre = query.text("genre", GENRE_PATTERN, "the name of a genre")
    limit = query.limit(default=TRENDING_DEFAULT, maximum=TITLES_MAX)
    found = await trending_list(services_of(request), region, genre)
    return json_response(encode(found.model_copy(update={"entries": found.entries[:limit]})))
