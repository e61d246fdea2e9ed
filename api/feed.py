"""GET /api/v1/users/{user}/feed: slate + its rows, continue watching, trending -> one page.

The rows and their probabilities are gathered here; ``domain.feed`` orders them and says what the
probabilities mean.
"""

from collections.abc import Iterator
from math import exp

from starlette.requests import Request
from starlette.responses import Response

from api.continue_watching import Watched, by_probability, watched
from api.freshness import AFTER_EVENT, after_event_id, after_event_of
from api.parsing import Query, path_identifier
from api.recommendations import includes, unavailable_in
from api.responses import json_response
from api.services import Services, services_of
from api.trending import trending_list
from domain.feed import arrange
from infra.postgres.slates import ServedSlate
from schemas.api import Feed, FeedEntry, FeedRow, Recommendations, Trending
from schemas.codec import decode, encode
from schemas.slate import RowTitle, SlateEntry, SlateFeed, SlateRow
from schemas.times import to_rfc3339

ROW_DEFAULT, ROW_MAX = 10, 50
DECIMALS = 6


async def get_feed(request: Request) -> Response:
    """Answer with the page."""
    user_id = path_identifier(request, "user")
    query = Query(request)
    services = services_of(request)
    limit = query.limit(default=ROW_DEFAULT, maximum=ROW_MAX)
    region = query.region()
    event_id = after_event_id(query)
    slate = await services.slates.fetch_with_feed(user_id)  # first: it says what is included
    seen = await watched(services, user_id, region)
    trending = await trending_list(services, region, None)
    personal = list(slate_rows(slate))
    recommended = [*personal, trending_row(trending)]
    hidden = touched(seen) | await gone(services, recommended, region)
    rows = [continue_row(seen), *(without(row, hidden) for row in recommended)]
    members = {} if event_id is None else {
        AFTER_EVENT: after_event_of(event_id, included=includes(slate, event_id))
    }  # fmt: skip
    answer = Feed(
        user_id=user_id,
        as_of=to_rfc3339(slate.as_of_ms) if slate.as_of_ms else trending.as_of,  # 0: only seeks
        cold_start=not personal,
        rows=tuple(arrange(rows, limit)),
        **members,
    )
    return json_response(encode(answer))


def slate_rows(slate: ServedSlate) -> Iterator[FeedRow]:
    """Yield the slate as a row, and the rows that were made with it."""
    if slate.body is None:
        return
    feed = SlateFeed() if slate.feed is None else decode(SlateFeed, slate.feed)
    entries = decode(Recommendations, slate.body).entries
    if entries:
        yield FeedRow(
            name="for_you",
            title="For you",
            entries=tuple(entry_of(entry, feed.log_partition) for entry in entries),
        )
    for row in feed.rows:
        yield FeedRow(
            name=row.name,
            title=heading(row),
            because_of=row.because_of,
            entries=tuple(entry_of(entry, feed.log_partition) for entry in row.entries),
        )


def entry_of(entry: SlateEntry | RowTitle, log_partition: float | None) -> FeedEntry:
    """Return a scored title with the probability that its score stands for."""
    probability = None
    if log_partition is not None:
        probability = round(min(1.0, exp(min(0.0, entry.score - log_partition))), DECIMALS)
    return FeedEntry(
        content_id=entry.content_id,
        title=entry.title,
        probability=probability,
        explanation=entry.explanation if isinstance(entry, SlateEntry) else None,
    )


def heading(row: SlateRow) -> str:
    """Return what people read above a row."""
    if row.because_of is None:
        return "New for you"
    return f"Because you watched {row.because_of_title or row.because_of}"


def continue_row(seen: Watched) -> FeedRow:
    """Return continue watching, the most probable first."""
    return FeedRow(
        name="continue_watching",
        title="Continue watching",
        entries=tuple(
            FeedEntry(
                content_id=card.content_id,
                title=card.title,
                probability=card.resume_probability,
                card=card,
            )
            for card in by_probability(seen.cards)
        ),
    )


def trending_row(trending: Trending) -> FeedRow:
    """Return what trends, each title with its share of the viewers of all trending titles."""
    return FeedRow(
        name="trending",
        title="Trending now",
        entries=tuple(
            FeedEntry(
                content_id=title.content_id,
                title=title.title,
                probability=round(min(1.0, title.score / trending.score_total), DECIMALS),
            )
            for title in trending.entries
        ),
    )


def touched(seen: Watched) -> set[str]:
    """Return what the user began or decided about, and what that is part of: no news to them."""
    states = [s for s in seen.states if s.started_at_ms is not None or s.dismissed or s.hidden]
    found = {state.content_id for state in states}
    for content_id in list(found):
        content = seen.contents.get(content_id)
        if content is not None:
            found |= {link for link in (content.series_id, content.version_of) if link}
    return found


async def gone(services: Services, rows: list[FeedRow], region: str | None) -> set[str]:
    """Return the titles that were removed from the catalogue or cannot be watched in the region."""
    ids = sorted({entry.content_id for row in rows for entry in row.entries})
    if not ids:
        return set()
    found = await services.contents.fetch_removed(ids)
    return found if region is None else found | await unavailable_in(services, ids, region)


def without(row: FeedRow, hidden: set[str]) -> FeedRow:
    """Return the row without some titles."""
    kept = tuple(entry for entry in row.entries if entry.content_id not in hidden)
    return row.model_copy(update={"entries": kept})
