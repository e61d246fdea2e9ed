"""A partner's webhook: the envelope a partner posts, and the record that goes to Kafka."""

from typing import Any, Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import EventId, Identifier, PartnerId

WebhookEventType = Literal[
    "content_added", "content_updated", "content_removed", "availability_changed"
]
WEBHOOK_BYTES_MAX = 256 * 1024  # a catalogue record with long texts; the spec's advice is 20 kB


class WebhookEnvelope(WireModel):
    """What a partner posts: the body that the signature covers."""

    event_type: WebhookEventType
    platform: str = Field(min_length=1, max_length=64)
    timestamp: str = Field(
        description="RFC 3339 with a zone, when the change happened",
        # Checked by ``schemas.times``, whose message says what is wrong.
        json_schema_extra={"format": "date-time", "minLength": 20, "maxLength": 40},
    )
    payload: dict[str, Any] = Field(description="the partner's own shape; a mapper reads it")


class WebhookReceived(WireModel):
    """One accepted webhook as it travels in ``ingestion.webhooks``.

    ``event_id`` is derived from partner and ``webhook_id``, so a retried delivery has the same one.
    """

    event_id: EventId
    partner: PartnerId
    mapper: str = Field(min_length=1, max_length=40)
    webhook_id: Identifier
    event_type: WebhookEventType
    platform: str = Field(min_length=1, max_length=64)
    occurred_at_ms: int = Field(ge=0)
    received_at_ms: int = Field(ge=0)
    payload: dict[str, Any]
