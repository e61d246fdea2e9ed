"""A partner's view of its webhooks that could not be processed."""

from typing import Any, Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import EventId, Identifier, PartnerId

LetterState = Literal["open", "redriven", "discarded"]


class PartnerDeadLetter(WireModel):
    """One webhook that could not be processed."""

    dead_letter_id: int = Field(description="name it when you ask the operators")
    event_id: EventId | None = None
    webhook_id: Identifier | None = None
    reason: str = Field(
        description="decode: not a record of this version; rule: refused, the detail says which "
        "field and why; step: the gateway's own failure"
    )
    detail: str
    attempts: int = Field(ge=1, description="how often it failed; more than 1 after a redrive")
    failed_at_ms: int = Field(ge=0)
    state: LetterState = Field(
        description="open; redriven: sent through again; discarded: it will not be"
    )
    changed_at_ms: int | None = Field(default=None, ge=0, description="end of the state open")
    payload: dict[str, Any] | None = Field(
        default=None, description="as posted; absent if the record cannot be read"
    )


class PartnerDeadLetters(WireModel):
    """Dead letters, the newest failure first. ``next_cursor`` is absent on the last page."""

    partner: PartnerId
    entries: tuple[PartnerDeadLetter, ...]
    next_cursor: str | None = None
