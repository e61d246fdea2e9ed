"""Content ids -> titles for people."""

from collections.abc import Sequence

from api.services import Services
from schemas.codec import decode
from schemas.content import Content


async def titles_of(services: Services, content_ids: Sequence[str]) -> dict[str, str]:
    """Return the titles of those that are in the catalogue."""
    if not content_ids:
        return {}
    bodies = await services.contents.fetch(content_ids)
    return {content_id: decode(Content, body).title for content_id, body in bodies.items()}
