-- A key belongs to an app (both null), to one user, or to one partner; the tier says how often it may call.
ALTER TABLE api_keys
    ADD COLUMN partner         text REFERENCES partners (partner) ON DELETE CASCADE,
    ADD COLUMN tier            text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
    ADD COLUMN expires_at_ms   bigint,
    ADD COLUMN last_used_at_ms bigint,
    ADD CONSTRAINT api_keys_have_one_owner CHECK (user_id IS NULL OR partner IS NULL);

-- What a key of before was promised stays as far as a tier goes: the lowest one is for new keys.
UPDATE api_keys SET tier = 'enterprise';
