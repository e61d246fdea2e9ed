"""Every metric, once: name, type, labels, meaning. Labels are bounded sets, never ids or raw paths.

Delivery identity per agent: ``accepted = applied + deduplicated + dead-lettered + in flight``;
accepted is ``mg_agent_records_total`` and in flight is what the lag gauge shows.
"""

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
BATCH_BUCKETS = (1, 2, 5, 10, 50, 100, 500, 1000, 2500, 5000, 10000)

# --- API ---
API_REQUESTS = Counter("mg_api_requests", "HTTP requests answered", ["route", "method", "status"])
API_LATENCY = Histogram(
    "mg_api_request_seconds", "Time to answer a request", ["route"], buckets=LATENCY_BUCKETS_S
)
API_PRODUCED = Counter("mg_api_produced_records", "Records Kafka acknowledged", ["topic"])
API_PRODUCE_FAILURES = Counter(
    "mg_api_produce_failures", "Records Kafka did not acknowledge in time", ["topic"]
)
API_PRODUCE_IN_FLIGHT = Gauge(
    "mg_api_produce_in_flight_records", "Records waiting for Kafka's acknowledgement",
    multiprocess_mode="livesum",
)  # fmt: skip
API_WEBHOOKS = Counter("mg_api_webhooks", "Webhook deliveries by outcome", ["outcome"])
API_WEBHOOK_REFUSALS = Counter(
    "mg_api_webhook_refusals", "Refused webhooks by partner (known ones) and reason",
    ["partner", "reason"],
)  # fmt: skip
API_WEBHOOK_REFUSALS_DROPPED = Counter(
    "mg_api_webhook_refusals_dropped", "Refused webhooks that partners will not see in their counts"
)
API_WEBHOOK_LAG = Histogram(
    "mg_api_webhook_lag_seconds", "Time from a change at a partner to its webhook being accepted",
    ["partner"], buckets=(1, 5, 15, 60, 300, 900, 3600, 21600, 86400, 604800),
)  # fmt: skip
API_PROGRESS_EVENTS = Counter("mg_api_progress_events", "Progress events by outcome", ["outcome"])
ERASED_EVENTS = Counter(
    "mg_erased_events",
    "Events refused, by whom: they occurred before their user was erased",
    ["agent"],
)
API_CACHE = Counter("mg_api_cache_reads", "Reads of the bounded caches", ["cache", "outcome"])
API_CREDENTIAL_REFUSALS = Counter(
    "mg_api_credential_refusals", "Requests whose credentials were not believed", ["reason"]
)
API_TOKENS_ISSUED = Counter("mg_api_issued_tokens", "Tokens issued for devices of users")
API_JWKS_FETCHES = Counter(
    "mg_api_jwks_fetches", "Fetches of issuers' key sets; a failed one keeps the last", ["outcome"]
)
API_CONNECTIONS = Gauge(
    "mg_api_connections", "Open connections of clients", multiprocess_mode="livesum"
)
API_REFUSED = Counter(
    "mg_api_refused_connections", "Connections that the edge ended, by reason", ["reason"]
)
API_RATE_LIMITED = Counter(
    "mg_api_rate_limited_requests", "Requests refused because a quota was used up", ["quota"]
)
API_LIMITS_ALONE = Counter(
    "mg_api_limits_server_failures", "Times that the shared limits server did not answer in time"
)

# --- Operators and audit ---
OPERATOR_LOGINS = Counter(
    "mg_operator_logins", "Attempts of operators to log in or to step up, by outcome", ["outcome"]
)
OPERATOR_LOCKOUTS = Counter("mg_operator_lockouts", "Times that an operator's account was locked")
AUDIT_ENTRIES = Counter("mg_audit_entries", "Audit entries written, by kind of actor", ["type"])
AUDIT_UNPUBLISHED = Gauge(
    "mg_audit_unpublished_entries",
    "Audit entries in the table that are not in the topic yet; below zero: somebody removed "
    "entries, or moved or removed the mark of what was published",
)

# --- Agents ---
AGENT_RECORDS = Counter("mg_agent_records", "Records given to the agent", ["agent"])
AGENT_APPLIED = Counter("mg_agent_applied_records", "Records that took effect", ["agent"])
AGENT_DEDUPLICATED = Counter(
    "mg_agent_deduplicated_records", "Records that had taken effect before", ["agent"]
)
AGENT_DEAD_LETTERED = Counter(
    "mg_agent_dead_lettered_records", "Records sent to the dead letter", ["agent", "reason"]
)
DEAD_LETTERS = Gauge(
    "mg_dead_letters", "Dead letters kept, by state; each worker with sinks says the same",
    ["topic", "reason", "state"],
)  # fmt: skip
AGENT_EMITTED = Counter("mg_agent_emitted_records", "Records produced", ["agent", "topic"])
AGENT_BATCH_SIZE = Histogram(
    "mg_agent_batch_records", "Records per batch", ["agent"], buckets=BATCH_BUCKETS
)
AGENT_BATCH_SECONDS = Histogram(
    "mg_agent_batch_seconds", "Time of one step call", ["agent"], buckets=LATENCY_BUCKETS_S
)
AGENT_LAG = Gauge(
    "mg_agent_lag_records", "Records between the end of the partition and the last one processed",
    ["agent", "partition"],
)  # fmt: skip
AGENT_CHANGELOG = Counter(
    "mg_agent_changelog_records", "Changelog records written (coalesced)", ["agent"]
)
AGENT_COMMITS = Counter("mg_agent_commits", "Offset commits", ["agent"])
AGENT_TABLE_KEYS = Gauge("mg_agent_table_keys", "Keys held in the agent's table", ["agent"])
AGENT_RECOVERY_SECONDS = Gauge(
    "mg_agent_recovery_seconds", "Time of the last table recovery", ["agent"]
)
FIT_SECONDS = Histogram(
    "mg_fit_seconds", "Time of one model fit", ["agent"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)  # fmt: skip
FIT_AGE = Gauge("mg_fit_age_seconds", "Age of the model being served", ["agent"])
EMBEDDING_MODEL_PRESENT = Gauge(
    "mg_embedding_model_present", "Whether the agent found the sentence encoder: 1 or 0", ["agent"]
)
EMBEDDING_TEXTS = Counter("mg_embedding_texts", "Texts encoded", ["agent"])
EMBEDDING_PENDING = Gauge("mg_embedding_pending_texts", "Texts waiting to be encoded", ["agent"])
EMBEDDING_SECONDS = Histogram(
    "mg_embedding_encode_seconds", "Time of encoding the texts of one job", ["agent"],
    buckets=LATENCY_BUCKETS_S,
)  # fmt: skip
FIT_KEPT = Counter(
    "mg_fit_not_converged", "Fits that did not converge: the model before stays", ["agent"]
)
MODEL_CALIBRATION_ERROR = Gauge(
    "mg_model_calibration_error", "Expected calibration error (0-1) of the model's last fit",
    ["model"],
)  # fmt: skip
EVENT_TO_SLATE = Histogram(
    "mg_event_to_slate_seconds", "Time from acceptance of an event to its slate being emitted",
    buckets=LATENCY_BUCKETS_S,
)  # fmt: skip

SLATE_ENTRIES = Counter(
    "mg_slate_entries", "Entries of slates emitted; exploration by its share of all", ["type"]
)
VALUE_MODEL_LEARNED = Gauge(
    "mg_value_model_learned_engagements", "Liked engagements that the value model learned from"
)

# --- Catalogue ---
CATALOGUE_LAG = Histogram(
    "mg_catalogue_lag_seconds", "Time from acceptance of a webhook to its processing", ["partner"],
    buckets=LATENCY_BUCKETS_S,
)  # fmt: skip
CATALOGUE_QUALITY = Gauge(
    "mg_catalogue_quality_ratio", "How complete (0-1) a partner's records are on average",
    ["partner"],
)  # fmt: skip
CATALOGUE_REFUSED = Counter(
    "mg_catalogue_refused_webhooks", "Webhooks that the mapper refused, by the partner's field",
    ["partner", "field"],
)  # fmt: skip
CATALOGUE_UNKNOWN_GENRES = Counter(
    "mg_catalogue_unknown_genres", "Genre names that no synonym knows, dropped", ["mapper"]
)
