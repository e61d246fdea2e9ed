-- No statistics of columns that hold user ids: they would keep ids of erased users until the next ANALYZE. The same
-- type once more drops what was collected: no row is rewritten, but partial indexes of the columns are built anew.
-- The columns: infra/privacy/catalogue.py.
ALTER TABLE watch_states
    ALTER COLUMN user_id SET STATISTICS 0, ALTER COLUMN user_id TYPE text,
    ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN body TYPE bytea;
ALTER TABLE viewers
    ALTER COLUMN user_id SET STATISTICS 0, ALTER COLUMN user_id TYPE text;
ALTER TABLE slates
    ALTER COLUMN user_id SET STATISTICS 0, ALTER COLUMN user_id TYPE text,
    ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN body TYPE bytea,
    ALTER COLUMN feed SET STATISTICS 0, ALTER COLUMN feed TYPE bytea,
    ALTER COLUMN ranking SET STATISTICS 0, ALTER COLUMN ranking TYPE bytea,
    ALTER COLUMN packed_ranking SET STATISTICS 0, ALTER COLUMN packed_ranking TYPE bytea;
ALTER TABLE slates ALTER COLUMN packed_ranking SET STORAGE EXTERNAL; -- as in 0009: the type set its own
ALTER TABLE api_keys
    ALTER COLUMN user_id SET STATISTICS 0, ALTER COLUMN user_id TYPE text;
ALTER TABLE dead_letters
    ALTER COLUMN user_id SET STATISTICS 0, ALTER COLUMN user_id TYPE text,
    ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN key TYPE bytea,
    ALTER COLUMN value SET STATISTICS 0, ALTER COLUMN value TYPE bytea,
    ALTER COLUMN headers SET STATISTICS 0, ALTER COLUMN headers TYPE bytea;
ALTER TABLE token_revocations
    ALTER COLUMN value SET STATISTICS 0, ALTER COLUMN value TYPE text;

-- Tokens of an erased user are revoked by pseudonym: the list need not name whom it forgot.
ALTER TABLE token_revocations
    DROP CONSTRAINT token_revocations_kind_check,
    ADD CONSTRAINT token_revocations_kind_check CHECK (kind IN ('user', 'token', 'erased'));

-- What a receipt has to tell: rows deleted by table since the first erasure that no receipt tells of.
ALTER TABLE erasures
    ADD COLUMN removed       jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN open_since_ms bigint;
