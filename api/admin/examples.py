"""Examples of the OpenAPI document for what operators administer."""

from typing import Any

from topics.catalog import WEBHOOKS

Json = dict[str, Any]

PARTNER: Json = {
    "partner": "acme",
    "display_name": "Acme TV",
    "mapper": "generic",
    "enabled": True,
    "schemes": ["v1"],
    "tier": "pro",
    "body_bytes_max": 262144,
    "deliveries_per_s": 20,
    "own_limits": ["deliveries_per_s"],
    "created_at": "2026-01-01T20:15:00.250Z",
    "keys": [
        {
            "kind": "secret",
            "fingerprint": "ba7816bf",
            "created_at": "2026-01-02T09:00:00.000Z",
        },
        {
            "kind": "secret",
            "fingerprint": "2cf24dba",
            "created_at": "2026-01-01T20:15:00.250Z",
            "valid_until": "2026-01-03T09:00:00.000Z",
        },
    ],
}
LISTED: Json = PARTNER | {
    "keys": [
        {name: value for name, value in key.items() if name != "fingerprint"}
        for key in PARTNER["keys"]
    ]
}
PARTNERS: Json = {"partners": [LISTED], "next_after": "acme"}
NEW_PARTNER: Json = {
    "partner": "globex",
    "mapper": "generic",
    "display_name": "Globex Films",
    "schemes": ["v1"],
    "tier": "pro",
    "body_bytes_max": 131072,
}
PARTNER_CHANGE: Json = {"tier": "pro", "deliveries_per_s": 20, "body_bytes_max": None}
ROTATION: Json = {"overlap_s": 86400}
SECRET: Json = PARTNER | {"secret": "whsec_" + "x" * 43 + "="}

LETTER: Json = {
    "dead_letter_id": 17,
    "topic": WEBHOOKS.name,
    "partition": 0,
    "offset": 4711,
    "agent": "catalogue",
    "reason": "rule",
    "detail": "partner acme, content_added read as generic: runtime_s: expected a whole number, "
    "found the text 'long'; send digits alone, e.g. 90",
    "failed_at": "2026-01-01T00:00:00.250Z",
    "attempts": 1,
    "partner": "acme",
    "event_id": "wh-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "webhook_id": "msg_1",
    "state": "open",
}
LETTERS: Json = {"dead_letters": [LETTER], "next_cursor": "MTc2NzIyNTYwMDI1MHwxNw=="}
WHOLE_LETTER: Json = LETTER | {
    "headers": [{"name": "dlq.reason", "value": "rule"}],
    "key": "acme|msg_1",
    "payload": {"partner": "acme", "mapper": "generic", "payload": {"runtime_s": "long"}},
}
REDRIVE: Json = {"ids": [17, 18]}
REDRIVEN: Json = {"redriven": [17], "refused": [], "not_open": [18]}
DISCARD: Json = {"ids": [17, 18], "reason": "sent again as msg_9"}
DISCARDED: Json = {"discarded": [17], "not_open": [18]}

KEY: Json = {
    "key_id": "0a1b2c3d",
    "name": "tv-app",
    "scopes": ["progress:write", "recommendations:read"],
    "tier": "pro",
    "state": "live",
    "created_at": "2026-01-01T20:15:00.250Z",
    "expires_at": "2026-04-01T20:15:00.250Z",
    "last_used_at": "2026-01-02T08:00:00.000Z",
}
KEYS: Json = {"keys": [KEY], "next_cursor": "MTc2NzI5ODUwMDI1MHwwYTFiMmMzZA=="}
NEW_KEY: Json = {
    "name": "tv-app",
    "scopes": ["progress:write", "recommendations:read"],
    "tier": "pro",
    "expires_in_s": 7776000,
}
CREATED_KEY: Json = {name: value for name, value in KEY.items() if name != "last_used_at"} | {
    "key": "mg_live_0a1b2c3d" + "x" * 32
}
REVOKED_KEY: Json = KEY | {"state": "revoked", "revoked_at": "2026-01-02T09:00:00.000Z"}
PSEUDONYM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ERASURE_STARTED: Json = {
    "pseudonym": PSEUDONYM,
    "erased_at": "2026-01-01T03:46:40.000Z",
    "audit_sequence": 12,
}
ERASURE_STATE: Json = {
    "pseudonym": PSEUDONYM,
    "erased_at": "2026-01-01T03:46:40.000Z",
    "requested": 1,
    "receipt_id": "5b0f7f5e-6a2c-4f0b-9a39-0b6d5f1c2a10",
    "receipt_sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "issued_at": "2026-01-01T03:47:02.000Z",
}
