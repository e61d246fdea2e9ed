-- How a slate came about, encoded; read by explanations alone.
ALTER TABLE slates ADD COLUMN ranking bytea;

-- Written by one sink agent; ``version`` is the Kafka offset of the record.
CREATE TABLE ranking_rules (
    rule_id text PRIMARY KEY,
    version bigint NOT NULL,
    removed boolean NOT NULL,
    body    bytea
);

-- What counts for a title: its versions, as contents_by_series has its episodes.
CREATE INDEX contents_by_original ON contents (version_of) WHERE version_of IS NOT NULL;
