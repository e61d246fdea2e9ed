-- People who run the gateway. ``sealed_totp`` is always encrypted, with the operator's id as context.
CREATE TABLE operators (
    operator_id        text PRIMARY KEY,
    name               text NOT NULL UNIQUE,
    role               text NOT NULL CHECK (role IN ('viewer', 'admin')),
    password_hash      text NOT NULL,
    sealed_totp        text NOT NULL CHECK (sealed_totp LIKE 'aes256gcm:%'),
    last_step          bigint NOT NULL,
    recovery_salt      bytea NOT NULL CHECK (octet_length(recovery_salt) = 16),
    failed_at_ms       bigint[] NOT NULL DEFAULT '{}',
    failures_in_a_row  integer NOT NULL DEFAULT 0,
    lockouts           integer NOT NULL DEFAULT 0,
    locked_until_ms    bigint NOT NULL DEFAULT 0,
    disabled_at_ms     bigint,
    created_at_ms      bigint NOT NULL
);

-- A code that was used is gone.
CREATE TABLE operator_recovery_codes (
    operator_id text NOT NULL REFERENCES operators (operator_id) ON DELETE CASCADE,
    code_hash   bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    PRIMARY KEY (operator_id, code_hash)
);

-- Only the SHA-256 of a token is kept: the token itself has 256 random bits. A rotation replaces it.
CREATE TABLE operator_sessions (
    token_sha256  bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    operator_id   text NOT NULL REFERENCES operators (operator_id) ON DELETE CASCADE,
    started_at_ms bigint NOT NULL,
    seen_at_ms    bigint NOT NULL,
    code_at_ms    bigint NOT NULL
);
CREATE INDEX operator_sessions_by_operator ON operator_sessions (operator_id);
