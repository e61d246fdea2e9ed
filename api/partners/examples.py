"""Examples of the partners' part of the OpenAPI document."""

from typing import Any

from api.partners.reasons import BAD_ENVELOPE, STALE_TIMESTAMP

DELIVERIES: dict[str, Any] = {
    "partner": "acme",
    "as_of": "2026-01-02T12:00:00.000Z",
    "deliveries": [
        {
            "webhook_id": "msg_2",
            "event_id": "wh-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            "event_type": "content_added",
            "received_at": "2026-01-02T11:59:58.250Z",
            "occurred_at": "2026-01-02T11:59:55.000Z",
            "lag_s": 3.25,
            "state": "duplicate",
            "duplicates": 1,
            "last_duplicate_at": "2026-01-02T11:59:59.000Z",
        },
        {
            "webhook_id": "msg_0",
            "event_id": "wh-1b2c3d4e5f60718293a4b5c6d7e8f9012345670a",
            "event_type": "content_added",
            "received_at": "2026-01-02T11:57:00.000Z",
            "occurred_at": "2026-01-02T11:56:58.000Z",
            "lag_s": 2.0,
            "state": "refused",
            "duplicates": 0,
            "dead_letter": {
                "dead_letter_id": 17,
                "reason": "rule",
                "detail": "partner acme, content_added read as generic: runtime_s: expected a "
                "whole number, found the text 'long'; send digits alone, e.g. 90",
                "failed_at": "2026-01-02T11:57:00.400Z",
                "state": "open",
            },
        },
    ],
    "next_cursor": "MTc2NzM1NTE5ODI1MDAwMHxtc2dfMg==",
    "refusals": [
        {
            "refused_at": "2026-01-02T11:58:00.000Z",
            "webhook_id": "msg_1",
            "reason": BAD_ENVELOPE.slug,
            "explanation": BAD_ENVELOPE.explanation,
            "detail": "event_type: Field required",
        }
    ],
    "refused_by_day": [
        {
            "day": "2026-01-02",
            "reason": STALE_TIMESTAMP.slug,
            "explanation": STALE_TIMESTAMP.explanation,
            "refused": 12,
            "last_at": "2026-01-02T03:00:00.000Z",
            "last_detail": "webhook-timestamp: 412 s behind the gateway's clock, at most 300 s are "
            "allowed",
        }
    ],
    "quality": {
        "contents": 812,
        "mean": 0.871,
        "missing": [
            {"field": "image_url", "contents": 96},
            {"field": "overview", "contents": 31},
        ],
    },
    "lag": {"deliveries": 1204, "p50_s": 2.1, "p90_s": 6.4, "p99_s": 71.0, "max_s": 3605.5},
}
