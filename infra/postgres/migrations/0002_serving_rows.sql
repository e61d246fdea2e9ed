-- What the API reads. Each table is written by one sink agent; ``version`` is the Kafka offset of the record.

CREATE TABLE contents (
    content_id text PRIMARY KEY,
    version    bigint NOT NULL,
    removed    boolean NOT NULL,
    body       bytea,
    type       text,
    title      text,
    version_of text,
    series_id  text,
    partners   text[]
);
CREATE INDEX contents_by_series ON contents (series_id) WHERE series_id IS NOT NULL;
CREATE INDEX contents_removed ON contents (content_id) WHERE removed;

CREATE TABLE watch_states (
    user_id       text NOT NULL,
    content_id    text NOT NULL,
    version       bigint NOT NULL,
    removed       boolean NOT NULL,
    body          bytea,
    updated_at_ms bigint NOT NULL,
    completed     boolean NOT NULL,
    resumable     boolean NOT NULL,
    dismissed     boolean NOT NULL,
    hidden        boolean NOT NULL,
    in_row        boolean NOT NULL,
    PRIMARY KEY (user_id, content_id)
);
CREATE INDEX watch_states_newest ON watch_states (user_id, updated_at_ms DESC, content_id DESC) WHERE NOT removed;
CREATE INDEX watch_states_in_row ON watch_states (updated_at_ms) WHERE in_row;

-- What is known to be included for a user. The version is the offset in the progress partition.
CREATE TABLE viewers (
    user_id            text PRIMARY KEY,
    source_offset      bigint NOT NULL,
    interaction_offset bigint NOT NULL,
    recent_events      text[] NOT NULL,
    as_of_ms           bigint NOT NULL
);

CREATE TABLE slates (
    user_id       text PRIMARY KEY,
    version       bigint NOT NULL,
    removed       boolean NOT NULL,
    body          bytea,
    content_ids   text[] NOT NULL,
    as_of_ms      bigint NOT NULL,
    source_offset bigint NOT NULL,
    model_version text NOT NULL
);

CREATE TABLE trending_partials (
    shard   text PRIMARY KEY,
    version bigint NOT NULL,
    removed boolean NOT NULL,
    body    bytea
);

CREATE TABLE neighbours (
    content_id text PRIMARY KEY,
    version    bigint NOT NULL,
    removed    boolean NOT NULL,
    body       bytea
);
