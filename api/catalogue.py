"""GET content, similar titles and trending."""

import re

from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.auth import authenticate
from api.parsing import Query, path_identifier
from api.problems import ProblemError
from api.responses import json_response
from api.services import Services, services_of
from api.trending import TITLES_MAX, trending_list
from infra.security.keys import CATALOGUE_READ
from schemas.api import Similar, TitledScore
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.neighbours import Neighbours

SIMILAR_DEFAULT = 20
TRENDING_DEFAULT = 20
BY_PATTERN = re.compile("cowatch")
GENRE_PATTERN = re.compile(r"[A-Za-z][A-Za-z \-]{0,39}", re.ASCII)


async def get_content(request: Request) -> Response:
    """Answer with the canonical content."""
    await authenticate(request, CATALOGUE_READ)
    content_id = path_identifier(request, "content_id")
    return json_response(await require_content(services_of(request), content_id))


async def require_content(services: Services, content_id: str) -> bytes:
    """Return the canonical bytes of a content, 404 when there is none."""
    body = (await services.contents.fetch([content_id])).get(content_id)
    if body is None:
        raise ProblemError(problems.NOT_FOUND, "no such content")
    return body


async def get_similar(request: Request) -> Response:
    """Answer with the co-watch neighbours that are still in the catalogue."""
    await authenticate(request, CATALOGUE_READ)
    content_id = path_identifier(request, "content_id")
    query = Query(request)
    query.text("by", BY_PATTERN, "cowatch")
    services = services_of(request)
    limit = query.limit(default=SIMILAR_DEFAULT, maximum=services.settings.neighbours_max)
    await require_content(services, content_id)
    body = await services.neighbours.fetch(content_id)
    if body is None:
        return json_response(encode(Similar(content_id=content_id, by="cowatch", entries=())))
    found = decode(Neighbours, body)
    answer = Similar(
        content_id=content_id,
        by="cowatch",
        model_version=found.model_version,
        entries=await titled(services, found, limit),
    )
    return json_response(encode(answer))


async def titled(services: Services, neighbours: Neighbours, limit: int) -> tuple[TitledScore, ...]:
    """Return the best ``limit`` neighbours that are in the catalogue, with titles."""
    bodies = await services.contents.fetch([item.content_id for item in neighbours.neighbours])
    entries = [
        TitledScore(
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
    await authenticate(request, CATALOGUE_READ)
    query = Query(request)
    region = query.region()
    genre = query.text("genre", GENRE_PATTERN, "the name of a genre")
    limit = query.limit(default=TRENDING_DEFAULT, maximum=TITLES_MAX)
    found = await trending_list(services_of(request), region, genre)
    return json_response(encode(found.model_copy(update={"entries": found.entries[:limit]})))
