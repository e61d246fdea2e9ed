-- Who was erased and until when, by pseudonym (HMAC of the user id). Kept for ever: a player may have been without
-- a network for months. ``receipt_sha256`` is of the newest receipt, as it was handed out.
CREATE TABLE erasures (
    pseudonym      text PRIMARY KEY,
    erased_at_ms   bigint NOT NULL,
    requested      integer NOT NULL DEFAULT 1,
    receipt_id     text,
    receipt_sha256 bytea,
    issued_at_ms   bigint
);
CREATE INDEX erasures_by_time ON erasures (erased_at_ms);

-- Keys that sign receipts; ``sealed`` as in partner_secrets.
CREATE TABLE receipt_keys (
    key_id        text PRIMARY KEY,
    sealed        text NOT NULL,
    public_key    bytea NOT NULL CHECK (octet_length(public_key) = 32),
    created_at_ms bigint NOT NULL
);

-- A tombstone used to leave a removed row, whose key names the user. Now the row goes.
DELETE FROM watch_states WHERE removed;
DELETE FROM slates WHERE removed;
