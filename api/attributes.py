"""Titles that share genres, cast, directors or themes with one title."""

from api.services import Services
from domain.title_attributes import Kind, spellings, whole_id
from schemas.api import Similar, SimilarTitle
from schemas.codec import decode
from schemas.content import Content

STEPS_MAX = (
    4  # a cut of an episode of a series is 2 steps away; a partner's mistake may be a circle
)


async def similar_by_attribute(
    kind: Kind, services: Services, content_id: str, limit: int
) -> Similar:
    """Return the titles most similar by ``kind``; an episode or version is asked as its whole."""
    whole = await whole_of(services, content_id)
    if whole is None:
        return Similar(content_id=content_id, by=kind, entries=())
    names = spellings(whole, kind)
    rows = await services.attributes.fetch_similar(kind, whole.content_id, list(names), limit)
    entries = tuple(
        SimilarTitle(
            content_id=row.content_id,
            title=row.title,
            score=row.score,
            shared=tuple(names[value] for value in row.shared),
        )
        for row in rows
    )
    return Similar(content_id=content_id, by=kind, entries=entries)


async def whole_of(services: Services, content_id: str) -> Content | None:
    """Return the title that stands for a content, None when it is not in the catalogue."""
    for _ in range(STEPS_MAX):
        body = (await services.contents.fetch([content_id])).get(content_id)
        if body is None:
            return None
        content = decode(Content, body)
        if whole_id(content) == content_id:
            return content
        content_id = whole_id(content)
    return None
