-- What the API owns: who may post webhooks, who may call, and which deliveries it has seen.

CREATE TABLE partners (
    partner       text PRIMARY KEY,
    mapper        text NOT NULL,
    enabled       boolean NOT NULL DEFAULT true,
    created_at_ms bigint NOT NULL
);

-- Several live secrets per partner: rotation without downtime. ``sealed`` says by its prefix how it is kept.
CREATE TABLE partner_secrets (
    secret_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partner        text NOT NULL REFERENCES partners (partner) ON DELETE CASCADE,
    sealed         text NOT NULL,
    valid_until_ms bigint
);
CREATE INDEX partner_secrets_by_partner ON partner_secrets (partner);

-- Only the SHA-256 of a key is kept: the key itself has more than 128 random bits.
CREATE TABLE api_keys (
    key_id        text PRIMARY KEY,
    key_sha256    bytea NOT NULL CHECK (octet_length(key_sha256) = 32),
    name          text NOT NULL,
    scopes        text[] NOT NULL,
    user_id       text,
    created_at_ms bigint NOT NULL,
    revoked_at_ms bigint
);

CREATE TABLE webhook_deliveries (
    partner     text NOT NULL,
    webhook_id  text NOT NULL,
    body_sha256 bytea NOT NULL,
    event_id    text NOT NULL,
    accepted    boolean NOT NULL DEFAULT false,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (partner, webhook_id)
);
CREATE INDEX webhook_deliveries_by_received_at ON webhook_deliveries (received_at);
