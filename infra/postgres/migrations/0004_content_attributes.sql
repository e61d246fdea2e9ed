-- What titles can share: normalised values of each kind (genre, cast, director, themes). Written by the same sink
-- as contents, in the same transaction. Values are 64-bit hashes of kind and text (two of a million values are the
-- same with probability 3e-8): ranking looks up the counts of some thousand values, twice as fast as by text.

-- Titles with the same values share a row, so that a genre of 8,000 titles is 600 rows. ``set_key`` hashes the
-- members; ``titles`` says how many titles have the set.
CREATE TABLE attribute_sets (
    set_key bigint PRIMARY KEY,
    members bigint[] NOT NULL,
    titles  integer NOT NULL
);
-- Without fastupdate: a pending list would be scanned by every read until the next vacuum.
CREATE INDEX attribute_sets_by_member ON attribute_sets USING gin (members) WITH (fastupdate = off);

-- Collation C orders ids by code point, as Python does: ties must not depend on the database's locale.
CREATE TABLE content_attributes (
    content_id text NOT NULL,
    kind       text NOT NULL,
    set_key    bigint NOT NULL,
    PRIMARY KEY (content_id, kind)
);
CREATE INDEX content_attributes_by_set ON content_attributes (set_key, content_id COLLATE "C");

-- How many titles have a value; the empty value of a kind counts those that have any.
CREATE TABLE attribute_counts (
    value_key bigint PRIMARY KEY,
    titles    integer NOT NULL
);
