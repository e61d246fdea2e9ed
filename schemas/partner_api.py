"""What a partner reads of its own deliveries over HTTP."""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel


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
    state: Literal["accepted", "duplicate", "unconfirmed"] = Field(
        description="duplicate: accepted, and sent again; unconfirmed: answered 503, send it again"
    )
    duplicates: int = Field(ge=0, description="how often it was sent again with the same bytes")
    last_duplicate_at: str | None = None


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
