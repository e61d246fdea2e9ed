-- A partner as a whole: how it is called, how it signs, how much it may send.
ALTER TABLE partners
    ADD COLUMN display_name     text NOT NULL DEFAULT '',
    ADD COLUMN schemes          text[] NOT NULL DEFAULT '{v1}' CHECK (
        cardinality(schemes) > 0 AND schemes <@ '{v1,v1a,sha256}'::text[]),
    ADD COLUMN tier             text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
    ADD COLUMN body_bytes_max   integer CHECK (body_bytes_max BETWEEN 1 AND 262144),
    ADD COLUMN deliveries_per_s integer CHECK (deliveries_per_s BETWEEN 1 AND 10000);

-- What a partner of before was promised stays: the tier's limits are for new ones.
UPDATE partners SET body_bytes_max = 262144, deliveries_per_s = 10000;

ALTER TABLE partner_secrets
    ADD COLUMN kind          text NOT NULL DEFAULT 'secret' CHECK (kind IN ('secret', 'public_key')),
    ADD COLUMN created_at_ms bigint;

-- What became of each webhook: when it happened, how often it was repeated, and who is producing it now.
ALTER TABLE webhook_deliveries
    ADD COLUMN event_type  text NOT NULL DEFAULT '',
    ADD COLUMN occurred_at timestamptz,
    ADD COLUMN repeats     integer NOT NULL DEFAULT 0,
    ADD COLUMN repeated_at timestamptz,
    ADD COLUMN claimed_at  timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX webhook_deliveries_by_partner ON webhook_deliveries (partner, received_at DESC, webhook_id DESC);

-- Deliveries with a valid signature that were refused all the same, the newest of each partner.
CREATE TABLE webhook_refusals (
    refusal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partner    text NOT NULL REFERENCES partners (partner) ON DELETE CASCADE,
    webhook_id text NOT NULL,
    reason     text NOT NULL,
    detail     text NOT NULL,
    refused_at timestamptz NOT NULL
);
CREATE INDEX webhook_refusals_by_partner ON webhook_refusals (partner, refusal_id);

-- All refusals, counted: whoever sends nonsense, the rows are as many as reasons and hours.
CREATE TABLE webhook_refusal_counts (
    partner text NOT NULL REFERENCES partners (partner) ON DELETE CASCADE,
    hour    timestamptz NOT NULL,
    reason  text NOT NULL,
    refused bigint NOT NULL,
    last_at timestamptz NOT NULL,
    detail  text NOT NULL,
    PRIMARY KEY (partner, hour, reason)
);
