"""Every setting, once: environment name, type, default, meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

FILE_SUFFIX = "_FILE"


class SettingsError(ValueError):
    """A value cannot be used; the message names the variable and what is allowed."""


def setting(env: str, default: Any, meaning: str, *, secret: bool = False) -> Any:
    """Declare one setting: environment variable, default and one line of documentation."""
    metadata = {"env": env, "meaning": meaning, "secret": secret}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings. Durations carry their unit in the name."""

    kafka_bootstrap_servers: str = setting(
        "KAFKA_BOOTSTRAP_SERVERS", "", "Kafka to use; empty: the embedded one of the data directory"
    )
    kafka_security_protocol: str = setting(
        "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    kafka_ssl_ca_location: str = setting(
        "KAFKA_SSL_CA_LOCATION",
        "",
        "PEM file of the authorities that Kafka's certificates are of; empty: the machine's",
    )
    kafka_ssl_certificate_location: str = setting(
        "KAFKA_SSL_CERTIFICATE_LOCATION", "", "PEM file of our certificate for Kafka and its chain"
    )
    kafka_ssl_key_location: str = setting(
        "KAFKA_SSL_KEY_LOCATION", "", "PEM file of the private key of that certificate"
    )
    kafka_ssl_key_password: str = setting(
        "KAFKA_SSL_KEY_PASSWORD", "", "What that key is encrypted with", secret=True
    )
    kafka_sasl_mechanism: str = setting(
        "KAFKA_SASL_MECHANISM", "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    kafka_sasl_username: str = setting("KAFKA_SASL_USERNAME", "", "Who we are to Kafka")
    kafka_sasl_password: str = setting("KAFKA_SASL_PASSWORD", "", "And its password", secret=True)
    database_url: str = setting(
        "DATABASE_URL", "", "Postgres to use; empty: the embedded one of the data directory",
        secret=True,
    )  # fmt: skip
    data_dir: Path = setting(
        "MEDIA_GATEWAY_DATA_DIR",
        Path("media-gateway-data"),
        "Where the embedded stack keeps its data",
    )
    cache_dir: Path = setting(
        "MEDIA_GATEWAY_CACHE_DIR",
        Path("~/.cache/media-gateway"),
        "Where the jars of the embedded Kafka are kept, for all data directories",
    )
    namespace: str = setting(
        "MEDIA_GATEWAY_NAMESPACE",
        "",
        "Prefix of consumer groups and changelogs, to run twice on one Kafka",
    )
    kafka_replication_factor: int = setting(
        "KAFKA_REPLICATION_FACTOR", 1, "Replicas of each topic that `topics apply` creates"
    )
    host: str = setting("MEDIA_GATEWAY_HOST", "127.0.0.1", "Address the API listens on")
    port: int = setting("MEDIA_GATEWAY_PORT", 8080, "Port the API listens on")
    api_processes: int = setting("MEDIA_GATEWAY_API_PROCESSES", 1, "API server processes")
    tls_certificate_file: str = setting(
        "MEDIA_GATEWAY_TLS_CERTIFICATE_FILE",
        "",
        "PEM file of the certificate and its chain: the API speaks TLS 1.2 or newer; empty: no TLS",
    )
    tls_key_file: str = setting(
        "MEDIA_GATEWAY_TLS_KEY_FILE", "", "PEM file of the private key of that certificate"
    )
    hsts_s: int = setting(
        "MEDIA_GATEWAY_HSTS_S",
        0,
        "Strict-Transport-Security on every answer, seconds; 0: none. Set it where TLS is spoken",
    )
    cors_origins: str = setting(
        "MEDIA_GATEWAY_CORS_ORIGINS",
        "",
        "Origins whose pages may read the query API, e.g. `https://tv.example`; empty: none",
    )
    limits_url: str = setting(
        "MEDIA_GATEWAY_LIMITS_URL",
        "",
        "Redis or Valkey that counts calls for all API processes, `redis://host:6379/0`; "
        "empty: each process counts for itself",
        secret=True,
    )
    limits_anonymous_per_s: int = setting(
        "MEDIA_GATEWAY_LIMITS_ANONYMOUS_PER_S",
        5,
        "Calls a second from one address without valid credentials, over ten seconds",
    )
    limits_free_per_s: int = setting(
        "MEDIA_GATEWAY_LIMITS_FREE_PER_S", 10, "The same of one caller of the tier free"
    )
    limits_pro_per_s: int = setting(
        "MEDIA_GATEWAY_LIMITS_PRO_PER_S", 50, "The same of one caller of the tier pro"
    )
    limits_enterprise_per_s: int = setting(
        "MEDIA_GATEWAY_LIMITS_ENTERPRISE_PER_S",
        200,
        "The same of one caller of the tier enterprise",
    )
    limits_unverified_per_s: int = setting(
        "MEDIA_GATEWAY_LIMITS_UNVERIFIED_PER_S",
        1000,
        "Deliveries a second from one address whose signatures are checked at all",
    )
    limits_burst: float = setting(
        "MEDIA_GATEWAY_LIMITS_BURST",
        2.0,
        "How many times its rate a caller may reach within any one second, 1 to 10",
    )
    limits_users_factor: int = setting(
        "MEDIA_GATEWAY_LIMITS_USERS_FACTOR",
        20,
        "How many times the rate of its tier all users may reach together whose tokens one API key "
        "got, 1 to 1000",
    )
    http_head_timeout_s: float = setting(
        "MEDIA_GATEWAY_HTTP_HEAD_TIMEOUT_S", 10.0, "Time in which the head of a request must arrive"
    )
    http_reader_check_s: float = setting(
        "MEDIA_GATEWAY_HTTP_READER_CHECK_S",
        10.0,
        "Time between two looks at a client that does not read: below 1 KiB/s it is cut off",
    )
    http_keep_alive_s: int = setting(
        "MEDIA_GATEWAY_HTTP_KEEP_ALIVE_S", 15, "Time after which an idle connection is closed"
    )
    http_connections_max: int = setting(
        "MEDIA_GATEWAY_HTTP_CONNECTIONS_MAX", 2000, "Connections per API process; more get 503"
    )
    http_connections_per_address_max: int = setting(
        "MEDIA_GATEWAY_HTTP_CONNECTIONS_PER_ADDRESS_MAX",
        256,
        "Connections per API process from one address that is not a trusted proxy; more get 503",
    )
    http_requests_per_connection_max: int = setting(
        "MEDIA_GATEWAY_HTTP_REQUESTS_PER_CONNECTION_MAX",
        10_000,
        "Requests after which a connection is closed",
    )
    trusted_proxies: str = setting(
        "MEDIA_GATEWAY_TRUSTED_PROXIES",
        "",
        "Networks of the proxies in front, e.g. `10.0.0.0/8,fd00::/8`; only their "
        "`X-Forwarded-For` is believed",
    )
    metrics_host: str = setting(
        "MEDIA_GATEWAY_METRICS_HOST", "127.0.0.1", "Address a worker's /metrics listens on"
    )
    metrics_port: int = setting(
        "MEDIA_GATEWAY_METRICS_PORT", 0, "Port of a worker's /metrics; 0: any free port"
    )
    database_pool_max: int = setting(
        "MEDIA_GATEWAY_DATABASE_POOL_MAX", 8, "Connections to Postgres per process"
    )
    produce_timeout_ms: int = setting(
        "MEDIA_GATEWAY_PRODUCE_TIMEOUT_MS",
        5000,
        "How long the API waits for Kafka before it answers 503",
    )
    produce_linger_ms: int = setting(
        "MEDIA_GATEWAY_PRODUCE_LINGER_MS", 5, "How long a worker's producer waits to fill a batch"
    )
    api_linger_ms: int = setting(
        "MEDIA_GATEWAY_API_LINGER_MS", 1, "How long the API's producer waits to fill a batch"
    )
    commit_interval_s: float = setting(
        "MEDIA_GATEWAY_COMMIT_INTERVAL_S",
        1.0,
        "How often workers flush changelogs and commit offsets",
    )
    session_timeout_s: float = setting(
        "MEDIA_GATEWAY_SESSION_TIMEOUT_S",
        10.0,
        "How long Kafka waits before a silent worker loses its partitions",
    )
    slate_size: int = setting("MEDIA_GATEWAY_SLATE_SIZE", 20, "Recommendations per user")
    slate_refresh_ms: int = setting(
        "MEDIA_GATEWAY_SLATE_REFRESH_MS",
        250,
        "A user's slate is computed at most once per this time",
    )
    slate_ttl_s: int = setting(
        "MEDIA_GATEWAY_SLATE_TTL_S", 3600, "Lifetime stated on slate entries"
    )
    slate_diversity: float = setting(
        "MEDIA_GATEWAY_SLATE_DIVERSITY",
        0.7,
        "Relevance against variety of a slate, 0-1; 1: relevance alone",
    )
    exploration_budget: float = setting(
        "MEDIA_GATEWAY_EXPLORATION_BUDGET",
        0.05,
        "Share of places in a slate for titles that little is known of; 0: none",
    )
    slate_age_max: int = setting(
        "MEDIA_GATEWAY_SLATE_AGE_MAX",
        99,
        "Titles rated for older viewers (years), or not rated, are in no slate and do not trend; "
        "99: all may",
    )
    neighbours_max: int = setting(
        "MEDIA_GATEWAY_NEIGHBOURS_MAX", 100, "Co-watch neighbours kept per title"
    )
    cowatch_lambda: float = setting(
        "MEDIA_GATEWAY_COWATCH_LAMBDA", 250.0, "Ridge of the co-watch model (EASE)"
    )
    cowatch_titles_max: int = setting(
        "MEDIA_GATEWAY_COWATCH_TITLES_MAX",
        6000,
        "Titles up to which the co-watch model is fitted by a dense inverse",
    )
    cowatch_sparse_titles_max: int = setting(
        "MEDIA_GATEWAY_COWATCH_SPARSE_TITLES_MAX",
        100_000,
        "Titles in the co-watch model of a larger catalogue: those with most viewers",
    )
    cowatch_pairs_max: int = setting(
        "MEDIA_GATEWAY_COWATCH_PAIRS_MAX",
        60_000_000,
        "Pairs of titles that such a fit holds, 24 bytes each; titles with fewest viewers go first",
    )
    cowatch_renew_s: float = setting(
        "MEDIA_GATEWAY_COWATCH_RENEW_S",
        20.0,
        "Least time between two updates of the co-watch model: titles whose audience changed",
    )
    cowatch_refit_s: float = setting(
        "MEDIA_GATEWAY_COWATCH_REFIT_S",
        300.0,
        "Time after which such an update fits all titles; so does one after which nothing arrived",
    )
    embedding_model_dir: str = setting(
        "EMBEDDING_MODEL_DIR",
        "",
        "Folder of model.onnx and tokenizer.json; empty: those of the extra `embeddings`",
    )
    embedding_threads: int = setting(
        "MEDIA_GATEWAY_EMBEDDING_THREADS", 1, "Threads of the sentence encoder"
    )
    regression_refit_s: float = setting(
        "MEDIA_GATEWAY_REGRESSION_REFIT_S", 60.0, "Least time between two fits of the regressions"
    )
    trending_half_life_h: float = setting(
        "MEDIA_GATEWAY_TRENDING_HALF_LIFE_H", 24.0, "Half-life of a viewer's weight in trending"
    )
    taste_half_life_days: float = setting(
        "MEDIA_GATEWAY_TASTE_HALF_LIFE_DAYS", 30.0, "Half-life of a title in a viewer's taste"
    )
    completed_row_days: int = setting(
        "MEDIA_GATEWAY_COMPLETED_ROW_DAYS", 30, "Completed titles leave the row after this time"
    )
    abandoned_row_days: int = setting(
        "MEDIA_GATEWAY_ABANDONED_ROW_DAYS",
        180,
        "Untouched titles count as abandoned after this time",
    )
    dead_letter_days: int = setting(
        "MEDIA_GATEWAY_DEAD_LETTER_DAYS", 14, "Dead letters are kept this long, in any state"
    )
    preset_by_type: str = setting(
        "MEDIA_GATEWAY_PRESET_BY_TYPE",
        "",
        "Completion preset per content type, e.g. `episode=androidtv,movie=trakt`",
    )
    preset_by_partner: str = setting(
        "MEDIA_GATEWAY_PRESET_BY_PARTNER",
        "",
        "Completion preset per partner, e.g. `acme=jellyfin`; wins over the type",
    )
    secrets_key: str = setting(
        "MEDIA_GATEWAY_SECRETS_KEY",
        "",
        "Base64 of 32 bytes: secrets are encrypted at rest; empty: the one of the embedded stack; "
        "with a database of your own partners' are kept unencrypted, and there are no operators "
        "and no tokens",
        secret=True,
    )
    token_issuer: str = setting(
        "MEDIA_GATEWAY_TOKEN_ISSUER",
        "urn:media-gateway",
        "Issuer and audience of the tokens that the gateway issues for devices",
    )
    issuers_private: int = setting(
        "MEDIA_GATEWAY_ISSUERS_PRIVATE",
        0,
        "1: key sets of issuers may come from private addresses, and by http from this machine",
    )
    secrets_keys_old: str = setting(
        "MEDIA_GATEWAY_SECRETS_KEYS_OLD",
        "",
        "Earlier values of MEDIA_GATEWAY_SECRETS_KEY, comma-separated: they still open secrets",
        secret=True,
    )
    secrets_keys_lost: str = setting(
        "MEDIA_GATEWAY_SECRETS_KEYS_LOST",
        "",
        "Ids of keys that nobody has any more, comma-separated: what they sealed stays unreadable, "
        "and others may seal beside it",
    )
    operator_idle_minutes: int = setting(
        "MEDIA_GATEWAY_OPERATOR_IDLE_MINUTES", 30, "An operator's session ends after such a pause"
    )
    operator_session_hours: int = setting(
        "MEDIA_GATEWAY_OPERATOR_SESSION_HOURS", 12, "An operator's session ends after this time"
    )
    operator_code_minutes: int = setting(
        "MEDIA_GATEWAY_OPERATOR_CODE_MINUTES",
        5,
        "How long after a code of the authenticator app an operator may change something",
    )
    erasure_key: str = setting(
        "MEDIA_GATEWAY_ERASURE_KEY",
        "",
        "Base64 of 32 bytes: makes the pseudonyms of erased users; older keys behind a comma. The "
        "same for all processes, never to be lost; empty: the one of the embedded stack; with a "
        "database of your own whoever knows an id knows its pseudonym",
        secret=True,
    )
    demo_data: Path = setting(
        "MEDIA_GATEWAY_DATA",
        Path("../shared/data"),
        "Data sets of the demo and the benchmarks; relative to the repository root",
    )
    log_level: str = setting("MEDIA_GATEWAY_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def from_env(cls, environ: Any) -> "Settings":
        """Read settings from a mapping (``os.environ`` at the composition root).

        Raises:
            SettingsError: a value cannot be converted.
        """
        hints = get_type_hints(cls)
        values = {}
        for item in fields(cls):
            raw = value_of(item.metadata, environ)
            if raw is None or raw == "":
                continue
            kind = hints[item.name]
            try:
                values[item.name] = kind(raw)
            except ValueError:
                raise SettingsError(
                    f"{item.metadata['env']}={raw!r} is not a valid {kind.__name__}"
                ) from None
        return cls(**values)


def value_of(metadata: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """Return the text of one setting; a secret may be in a mounted file named by ``NAME_FILE``.

    Raises:
        SettingsError: both are set, or the file cannot be read; the secret is never in the message.
    """
    name = metadata["env"]
    raw, path = environ.get(name), environ.get(name + FILE_SUFFIX)
    if not metadata["secret"] or not path:
        return raw
    if raw:
        raise SettingsError(f"{name} and {name}{FILE_SUFFIX} are both set: which one is right?")
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{name}{FILE_SUFFIX}: {path}: {reason}") from None
