"""GET /api/v1/users/{user}/taste: titles whose texts are nearest to what the user watched.

The taste is made when it is asked for, from the user's watch states and the vectors of their
titles: nothing is kept that could grow old or would have to be erased. It needs nobody to have
watched a title, so it finds what came minutes ago.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from api.freshness import after_event_id, envelope
from api.parsing import Query, path_identifier
from api.responses import json_response
from api.services import Services, services_of
from api.trending import judge_of
from domain.embedding import Vectors, taste_vector
from domain.evidence import seen_of
from domain.ranking.rules import FOR_YOU
from domain.title_attributes import PARTS, whole_id
from schemas.api import Taste, TitledScore
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.times import DAY_MS
from schemas.watch_state import WatchState

LIMIT_DEFAULT, LIMIT_MAX = 20, 100
STATES_MAX = 500  # newest titles of a user that are looked at
CANDIDATES = 500  # nearest titles, of which those are left that may be shown
DECIMALS = 6


class Direction(NamedTuple):
    """Where a taste points: its vector, whose encoder made it, and of how many titles."""

    encoder: str
    vector: Vectors
    titles: int


async def get_taste(request: Request) -> Response:
    """Answer with the nearest titles that the user has not touched and may be shown."""
    user_id = path_identifier(request, "user")
    query = Query(request)
    services = services_of(request)
    limit = query.limit(default=LIMIT_DEFAULT, maximum=LIMIT_MAX)
    event_id, region = after_event_id(query), query.region()
    viewer = await services.viewers.fetch(user_id)  # before the rows: see infra.postgres.viewers
    bodies = await services.watch_states.fetch_history(user_id, STATES_MAX, None)
    states = [decode(WatchState, body) for body in bodies]
    direction = await direction_of(services, states)
    entries: list[TitledScore] = []
    if direction is not None:
        entries = await nearest(services, direction, states, region)
    answer = Taste(
        **envelope(user_id, viewer, event_id, services.clock_ms()),
        encoder=direction and direction.encoder,
        titles=0 if direction is None else direction.titles,
        entries=tuple(entries[:limit]),
    )
    return json_response(encode(answer))


async def direction_of(services: Services, states: Sequence[WatchState]) -> Direction | None:
    """Return a user's taste; None when no title counts, or none of them is encoded.

    A title counts by its evidence (``domain.evidence``): the share watched, 1 when completed or
    rated high, not at all when refused or rated low. After an upgrade vectors of two encoders lie
    side by side for a while and cannot be compared: the encoder of more of the titles is taken.
    """
    seen = {state.content_id: seen_of(state) for state in states}
    counted = [content_id for content_id, each in seen.items() if each.evidence > 0.0]
    found = await services.embeddings.fetch(counted)
    if not found:
        return None
    encoder = max(sorted(Counter(each.encoder for each in found).items()), key=lambda it: it[1])[0]
    found = sorted(each for each in found if each.encoder == encoder)
    vector = taste_vector(
        np.stack([each.vector for each in found]),
        np.array([seen[each.content_id].evidence for each in found]),
        np.array([seen[each.content_id].at_ms for each in found]),
        services.settings.taste_half_life_days * DAY_MS,
    )
    return None if vector is None else Direction(encoder, vector, len(found))


async def nearest(
    services: Services, direction: Direction, states: Sequence[WatchState], region: str | None
) -> list[TitledScore]:
    """Return the nearest whole titles, without what was touched and what rules keep out."""
    touched = await wholes_of(services, [state.content_id for state in states])
    rows = await services.embeddings.nearest_to(
        direction.vector, direction.encoder, sorted(touched), CANDIDATES
    )
    bodies = await services.contents.fetch([content_id for content_id, _ in rows])
    judge = await judge_of(services, region, FOR_YOU)
    entries = []
    for content_id, cosine in rows:
        content = decode(Content, bodies[content_id]) if content_id in bodies else None
        if content is None or content.type in PARTS or content.version_of is not None:
            continue
        if judge.verdict(content) is None:
            score = round(cosine, DECIMALS)
            entries.append(TitledScore(content_id=content_id, title=content.title, score=score))
    return entries


async def wholes_of(services: Services, content_ids: Sequence[str]) -> set[str]:
    """Return titles, and the series and originals that they count for."""
    found = await services.contents.fetch(content_ids) if content_ids else {}
    return {*content_ids, *(whole_id(decode(Content, body)) for body in found.values())}
