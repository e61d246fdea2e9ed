-- Wrong codes given within a session are counted apart from attempts to log in, which strangers can make.
ALTER TABLE operators
    ADD COLUMN step_up_failed_at_ms      bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN step_up_failures_in_a_row integer NOT NULL DEFAULT 0,
    ADD COLUMN step_up_lockouts          integer NOT NULL DEFAULT 0,
    ADD COLUMN step_up_locked_until_ms   bigint NOT NULL DEFAULT 0;
