-- Text embeddings by title; the extension comes with the embedded Postgres and the compose image.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE embeddings (
    content_id text PRIMARY KEY,
    version    bigint NOT NULL,
    removed    boolean NOT NULL,
    encoder    text,
    embedding  halfvec(384),
    CHECK (removed = (embedding IS NULL))
);
CREATE INDEX embeddings_nearest ON embeddings USING hnsw (embedding halfvec_cosine_ops);
