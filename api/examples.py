"""Examples of the OpenAPI document; a test validates each against its schema."""

from typing import Any

Json = dict[str, Any]

WEBHOOK: Json = {
    "event_type": "content_added",
    "platform": "acme-tv",
    "timestamp": "2026-01-01T00:00:00Z",
    "payload": {"id": "A-1", "title": "Metropolis", "type": "movie", "release_year": 1927},
}
WEBHOOK_ACCEPTED: Json = {"event_id": "wh-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}
PARTNER_DEAD_LETTERS: Json = {
    "partner": "acme",
    "entries": [
        {
            "dead_letter_id": 17,
            "event_id": "wh-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            "webhook_id": "msg_1",
            "reason": "rule",
            "detail": "partner acme, content_added read as generic: runtime_s: expected a whole "
            "number, found the text 'long'; send digits alone, e.g. 90",
            "attempts": 1,
            "failed_at_ms": 1767225600250,
            "state": "open",
            "payload": {"id": "A-1", "title": "Metropolis", "type": "movie", "runtime_s": "long"},
        }
    ],
}
PROGRESS: list[Json] = [
    {
        "event_id": "event-1",
        "user_id": "user-1",
        "content_id": "film-1",
        "session_id": "session-1",
        "device_id": "tv-1",
        "state": "playing",
        "position_s": 61.5,
        "duration_s": 9180.0,
        "occurred_at": "2026-01-01T20:15:00.250Z",
    }
]
PROGRESS_ACCEPTED: Json = {
    "results": [
        {"event_id": "event-1", "status": "accepted"},
        {"event_id": "event-2", "status": "error", "error": "position_s: too large"},
    ]
}
TOKEN_REQUEST: Json = {
    "user_id": "user-1",
    "scopes": ["progress:write", "recommendations:read"],
    "ttl_s": 900,
}
TOKEN_ISSUED: Json = {
    "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJ1cm4ifQ.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "scope": "progress:write recommendations:read",
    "token_id": "5f3b2a1908e7d6c5b4a3928170f6e5d4",
}
PUBLIC_KEYS: Json = {
    "keys": [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": "0f1e2d3c4b5a6978",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    ]
}
AFTER_EVENT: Json = {"event_id": "event-1", "included": True}
RECOMMENDATIONS: Json = {
    "user_id": "user-1",
    "as_of": "2026-01-01T20:15:00.250Z",
    "cold_start": False,
    "generated_at_ms": 1767298500350,
    "model_version": "slates-1",
    "entries": [
        {
            "content_id": "film-2",
            "title": "Nosferatu",
            "score": 0.83,
            "recommendation_type": "collaborative",
            "based_on": ["film-1"],
            "explanation": "Because you watched Metropolis",
            "generated_at_ms": 1767298500350,
            "ttl_s": 3600,
            "model_version": "slates-1",
        }
    ],
    "after_event": AFTER_EVENT,
}
EXPLANATION: Json = {
    "user_id": "user-1",
    "as_of": "2026-01-01T20:15:00.250Z",
    "content_id": "film-2",
    "explained_content_id": "film-2",
    "title": "Nosferatu",
    "cold_start": False,
    "generated_at_ms": 1767298500350,
    "model_version": "cowatch-48211.value-1200",
    "place": 1,
    "explanation": "Because you watched Metropolis",
    "recommendation_type": "collaborative",
    "based_on": ["film-1"],
    "rank": 1,
    "candidates": 9214,
    "score": 0.83,
    "slate_score_min": 0.31,
    "pool_score_min": 0.12,
    "terms": [
        {
            "source": "next_title",
            "kind": "collaborative",
            "label": "What viewers go on to",
            "value": 0.77,
        },
        {"source": "popular", "kind": "trending", "label": "Popular", "value": 0.06},
    ],
    "because": [{"content_id": "film-1", "title": "Metropolis", "value": 0.77}],
}
CONTINUE_WATCHING: Json = {
    "user_id": "user-1",
    "as_of": "2026-01-01T20:15:00.250Z",
    "entries": [
        {
            "content_id": "film-1",
            "title": "Metropolis",
            "type": "movie",
            "kind": "resume",
            "position_s": 61.5,
            "duration_s": 9180.0,
            "progress": 0.0067,
            "updated_at_ms": 1767298500250,
            "resume_probability": 0.22,
        }
    ],
}
FEED: Json = {
    "user_id": "user-1",
    "as_of": "2026-01-01T20:15:00.250Z",
    "cold_start": False,
    "rows": [
        {
            "name": "continue_watching",
            "title": "Continue watching",
            "value": 0.22,
            "entries": [
                {
                    "content_id": "film-1",
                    "title": "Metropolis",
                    "probability": 0.22,
                    "card": CONTINUE_WATCHING["entries"][0],
                }
            ],
        },
        {
            "name": "because_you_watched",
            "title": "Because you watched M",
            "because_of": "film-3",
            "value": 0.04,
            "entries": [{"content_id": "film-2", "title": "Nosferatu", "probability": 0.04}],
        },
    ],
}
HISTORY: Json = {
    "user_id": "user-1",
    "as_of": "2026-01-01T20:15:00.250Z",
    "entries": [
        {
            "content_id": "film-1",
            "title": "Metropolis",
            "epoch": 0,
            "completions": 0,
            "completed": False,
            "watched_s": 61.5,
            "position_s": 61.5,
            "duration_s": 9180.0,
            "progress": 0.0067,
            "updated_at_ms": 1767298500250,
            "dismissed": False,
            "hidden": False,
        }
    ],
}
CONTENT: Json = {
    "content_id": "film-1",
    "type": "movie",
    "title": "Metropolis",
    "release_year": 1927,
    "runtime_s": 9180,
    "genres": ["Science Fiction"],
    "updated_at_ms": 1767225600000,
}
SIMILAR: Json = {
    "content_id": "film-1",
    "by": "director",
    "entries": [
        {"content_id": "film-3", "title": "M", "score": 0.71, "shared": ["Fritz Lang"]},
    ],
}
TASTE: Json = {
    "user_id": "user-1",
    "as_of": "2026-01-01T20:15:00.250Z",
    "encoder": "all-MiniLM-L6-v2-int8.1",
    "titles": 12,
    "entries": [{"content_id": "film-3", "title": "M", "score": 0.71}],
}
TRENDING: Json = {
    "region": "DE",
    "as_of": "2026-01-01T20:15:00.250Z",
    "score_total": 250.0,
    "entries": [{"content_id": "film-1", "title": "Metropolis", "score": 12.5, "viewers": 17}],
}
CONTENT_FEATURES: Json = {
    "content_id": "film-1",
    "version": 4211,
    "starts": 120,
    "completions": 84,
    "first_started_at_ms": 1767225600000,
    "completion_rate": 0.7,
    "completion_rate_low": 0.6128,
    "completion_rate_high": 0.7746,
    "progress_slope_per_day": -0.0031,
    "progress_slope_low": -0.0079,
    "progress_slope_high": 0.0017,
}
MODELS: Json = {
    "entries": [
        {
            "name": "completion",
            "version": 4211,
            "fitted_at_ms": 1767298500350,
            "fit_seconds": 0.412,
            "rows": 3980,
            "converged": True,
            "equation": "logit P = -0.42 + 0.76 viewer_completion_logit",
            "coefficients": [
                {"name": "intercept", "value": -0.42, "standard_error": 0.05},
                {"name": "viewer_completion_logit", "value": 0.76, "standard_error": 0.04},
                {"name": "rewatch", "value": 0.0},
            ],
            "metrics": {"ece": 0.018, "log_loss": 0.572},
            "note": "dropped rewatch: constant",
        }
    ]
}
READY: Json = {"status": "ready", "kafka": True, "postgres": True, "records_in_flight": 0}
NOT_READY: Json = {"status": "not_ready", "kafka": False, "postgres": True, "records_in_flight": 0}
PROBLEM: Json = {
    "type": "urn:media-gateway:problem:invalid-content",
    "title": "The content is not valid",
    "status": 400,
    "detail": "limit: expected a number from 1 to 100",
    "instance": "urn:media-gateway:request:8f14e45fceea4670a2b6d8d1c0a0f3a1",
}
