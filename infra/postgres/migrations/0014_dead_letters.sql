-- Records that could not be processed, as operators and partners work with them: one row a record,
-- named by where it was. ``version`` is the offset of its newest dead letter.
CREATE TABLE dead_letters (
    letter_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_topic     text NOT NULL,
    source_partition integer NOT NULL,
    source_offset    bigint NOT NULL,
    version          bigint NOT NULL,
    agent            text NOT NULL,
    reason           text NOT NULL,
    detail           text NOT NULL,
    failed_at_ms     bigint NOT NULL,
    partner          text,
    user_id          text,
    event_id         text,
    webhook_id       text,
    key              bytea,
    value            bytea,
    headers          bytea NOT NULL,
    attempts         integer NOT NULL CHECK (attempts >= 1),
    first_offset     bigint,
    state            text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'redriven', 'discarded')),
    changed_at_ms    bigint,
    changed_by       text,
    note             text,
    UNIQUE (source_topic, source_partition, source_offset),
    CONSTRAINT dead_letters_say_who_changed_them
        CHECK (state = 'open' OR (changed_at_ms IS NOT NULL AND changed_by IS NOT NULL))
);
CREATE INDEX dead_letters_by_time ON dead_letters (failed_at_ms, letter_id);
CREATE INDEX dead_letters_of_partner ON dead_letters (partner, failed_at_ms, letter_id)
    WHERE partner IS NOT NULL;
CREATE INDEX dead_letters_of_user ON dead_letters (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX dead_letters_by_state ON dead_letters (state, source_topic, reason);
