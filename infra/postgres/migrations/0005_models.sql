-- What the regression publishes, written by one sink agent each; ``version`` is the Kafka offset of the record.

CREATE TABLE models (
    name    text PRIMARY KEY,
    version bigint NOT NULL,
    removed boolean NOT NULL,
    body    bytea
);

CREATE TABLE content_features (
    content_id text PRIMARY KEY,
    version    bigint NOT NULL,
    removed    boolean NOT NULL,
    body       bytea
);
