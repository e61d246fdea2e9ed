"""Interactions: the meaningful changes that the ledger derives from progress events."""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId, EventId, RegionCode, UserId

InteractionKind = Literal[
    "started", "progressed", "completed", "abandoned", "rewatched",
    "dismissed", "restored", "rated", "hidden", "unhidden", "erased",
]  # fmt: skip


class Interaction(WireModel):
    """One meaningful change; ``erased``: everything before it about this user is to be forgotten.

    ``interaction_id`` is a function of user, content, epoch, kind and decile, so deriving it again
    gives the same one. ``(source_offset, ordinal)`` grows within a partition in order of first
    emission: a consumer that has seen a pair may drop everything up to it.
    """

    interaction_id: EventId
    user_id: UserId
    content_id: ContentId
    kind: InteractionKind
    epoch: int = Field(ge=0)
    decile: int | None = Field(default=None, ge=1, le=10)
    progress: float = Field(ge=0, le=1)
    rating: float | None = None
    region: RegionCode | None = None
    occurred_at_ms: int = Field(ge=0)
    event_id: EventId
    source_offset: int = Field(ge=0)
    ordinal: int = Field(default=0, ge=0)
