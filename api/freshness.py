"""``as_of`` and ``after_event``: what an answer includes, said in the answer."""

from typing import Any

from api.parsing import Query
from domain.watch.reports import fingerprint
from infra.postgres.viewers import Viewer
from schemas.times import to_rfc3339

AFTER_EVENT = "after_event"


def after_event_id(query: Query) -> str | None:
    """Return the event that the caller asks about."""
    return query.identifier(AFTER_EVENT)


def is_known(event_id: str, recent_events: tuple[str, ...]) -> bool:
    """Whether the event is among the newest that the user's watch states include."""
    return fingerprint(event_id).hex() in recent_events


def after_event_of(event_id: str, *, included: bool) -> dict[str, Any]:
    """Return the member that answers ``after_event=``."""
    return {"event_id": event_id, "included": included}


def envelope(
    user_id: str, viewer: Viewer | None, event_id: str | None, now_ms: int
) -> dict[str, Any]:
    """Return the members that every answer from watch states has.

    Of a user without any event the answer "nothing" is true as of now, and so is that of a user who
    only moved within titles: such events (seeks) have no part in any answer and no time (0) here.
    """
    as_of_ms = now_ms if viewer is None else viewer.as_of_ms or now_ms
    members: dict[str, Any] = {"user_id": user_id, "as_of": to_rfc3339(as_of_ms)}
    if event_id is not None:
        included = viewer is not None and is_known(event_id, viewer.recent_events)
        members[AFTER_EVENT] = after_event_of(event_id, included=included)
    return members
