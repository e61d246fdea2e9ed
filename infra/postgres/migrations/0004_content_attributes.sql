-- What titles can share: normalised values of each kind (genre, cast, director, themes). Written by the same sink
-- as contents, in the same transaction. Collation C orders texts by code point, as Python does: ties must not depend
-- on the database's locale.

-- Titles with the same values share a row, so that a genre of 8,000 titles is 600 rows. ``set_id`` hashes kind and
-- members; ``titles`` says how many titles have the set.
CREATE TABLE attribute_sets (
    set_id  uuid PRIMARY KEY,
    kind    text NOT NULL,
    members text[] COLLATE "C" NOT NULL,
    titles  integer NOT NULL
);
-- Without fastupdate: a pending list would be scanned by every read until the next vacuum.
CREATE INDEX attribute_sets_by_member ON attribute_sets USING gin (members) WITH (fastupdate = off);

CREATE TABLE content_attributes (
    content_id text NOT NULL,
    kind       text NOT NULL,
    set_id     uuid NOT NULL,
    PRIMARY KEY (content_id, kind)
);
CREATE INDEX content_attributes_by_set ON content_attributes (set_id, content_id COLLATE "C");

-- How many titles have a value; the empty value counts those that have any of the kind.
CREATE TABLE attribute_counts (
    kind   text NOT NULL,
    value  text COLLATE "C" NOT NULL,
    titles integer NOT NULL,
    PRIMARY KEY (kind, value)
);
