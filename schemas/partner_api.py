"""What a partner reads of its own deliveries over HTTP."""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.dead_letter import LetterState

DeliveryState = Literal["accepted", "duplicate", "unconfirmed", "refused", "failed"]


class DeliveryDeadLetter(WireModel):
    """Why the event of a delivery could not be processed; its newest dead letter."""

    dead_letter_id: int = Field(description="name it when you ask the operators")
    reason: str = Field(description="decode, rule or step, as in your dead letters")
    detail: str = Field(description="which field, what was expected, what was found")
    failed_at: str = Field(description="RFC 3339")
    state: LetterState = Field(
        description="open; redriven: sent through again; discarded: it will not be"
    )


class PartnerDelivery(WireModel):
    """One webhook id that passed all checks."""

    webhook_id: str
    event_id: str
    event_type: str | None = Field(default=None, description="absent in old rows")
    received_at: str = Field(description="RFC 3339: when it came first")
    occurred_at: str | None = Field(default=None, description="RFC 3339: the envelope's timestamp")
    lag_s: float | None = Field(
        default=None, description="received minus occurred; negative: your clock is ahead"
    )
    state: DeliveryState = Field(
        description="accepted: nothing is known to be wrong with it; duplicate: accepted, and sent "
        "again; unconfirmed: on its way, or answered 503: without a 202, send it again; refused: "
        "accepted, and refused later by the catalogue, see dead_letter; failed: the gateway failed "
        "on it, see dead_letter"
    )
    duplicates: int = Field(ge=0, description="how often it was sent again with the same bytes")
    last_duplicate_at: str | None = None
    dead_letter: DeliveryDeadLetter | None = Field(
        default=None, description="absent when it was processed, or will be"
    )


class RefusedDelivery(WireModel):
    """One delivery that was signed by the partner and refused all the same."""

    refused_at: str
    webhook_id: str
    reason: str = Field(description="stable word")
    explanation: str = Field(description="for people: what it means and what to do")
    detail: str = Field(description="what exactly, e.g. the field")


class RefusedOnDay(WireModel):
    """How many deliveries were refused on one day (UTC) for one reason, signed or not."""

    day: str = Field(description="date, UTC")
    reason: str
    explanation: str
    refused: int = Field(ge=1)
    last_at: str
    last_detail: str


class DeliveryLag(WireModel):
    """Percentiles of received minus occurred over the newest accepted deliveries of 7 days."""

    deliveries: int = Field(ge=1, description="how many they are over, at most 10,000")
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


class MissingField(WireModel):
    """A field that titles lack."""

    field: str = Field(description="the canonical name; the table of your mapper has yours")
    contents: int = Field(ge=1, description="how many titles lack it")


class ContentsQuality(WireModel):
    """How complete the titles are that the partner's records belong to, whoever named a field.

    Of each title the weights of the fields that it has, divided by those of all that its type has.
    """

    contents: int = Field(ge=1, description="how many titles it is over, at most 10,000")
    mean: float = Field(ge=0, le=1, description="1: no title lacks a field")
    missing: tuple[MissingField, ...] = Field(description="the most frequent first")


class PartnerDeliveries(WireModel):
    """What became of a partner's webhooks, newest first; each list has a cursor of its own.

    Deliveries are kept for 7 days, the newest 1,000 signed refusals one by one, counts for 30 days.
    A refusal shows within 2 seconds.
    """

    partner: str
    as_of: str
    deliveries: tuple[PartnerDelivery, ...]
    next_cursor: str | None = Field(default=None, description="absent on the last page")
    refusals: tuple[RefusedDelivery, ...]
    next_refusals_cursor: str | None = Field(default=None, description="absent on the last page")
    refused_by_day: tuple[RefusedOnDay, ...]
    lag: DeliveryLag | None = Field(default=None, description="absent without any delivery")
    quality: ContentsQuality | None = Field(default=None, description="absent without any title")
