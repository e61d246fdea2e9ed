-- Whose tokens are believed, for whom and for what. The keys are a stored document or an address.
CREATE TABLE token_issuers (
    issuer         text PRIMARY KEY,
    audience       text NOT NULL,
    algorithms     text[] NOT NULL CHECK (algorithms <@ ARRAY['RS256', 'EdDSA'] AND algorithms <> '{}'),
    jwks           text,
    jwks_url       text,
    scopes         text[] NOT NULL,
    tier           text NOT NULL CHECK (tier IN ('free', 'pro', 'enterprise')),
    user_claim     text NOT NULL,
    token_type     text NOT NULL CHECK (token_type IN ('at+jwt', 'JWT')),
    lifetime_max_s integer NOT NULL CHECK (lifetime_max_s BETWEEN 1 AND 86400),
    enabled        boolean NOT NULL,
    created_at_ms  bigint NOT NULL,
    CONSTRAINT token_issuers_have_one_source_of_keys CHECK ((jwks IS NULL) <> (jwks_url IS NULL))
);

-- Keys that sign our own tokens. The seed is never kept unencrypted; x is the public key of a JWK.
CREATE TABLE signing_keys (
    kid           text PRIMARY KEY,
    sealed        text NOT NULL CHECK (sealed LIKE 'aes256gcm:%'),
    x             text NOT NULL,
    created_at_ms bigint NOT NULL,
    signs_from_ms bigint NOT NULL,
    ends_at_ms    bigint
);

-- Tokens that are not believed although they have not expired: one by its jti, or all that a user had.
CREATE TABLE token_revocations (
    kind          text NOT NULL CHECK (kind IN ('user', 'token')),
    value         text NOT NULL,
    revoked_at_s  bigint NOT NULL,
    forgotten_at_s bigint NOT NULL,
    PRIMARY KEY (kind, value)
);
