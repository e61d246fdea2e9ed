-- The offset of the first record of each title, for the newest ones. Of those known before, the newest
-- record stands for it until the topic is read again from its start.
ALTER TABLE contents ADD COLUMN arrived bigint;
UPDATE contents SET arrived = version;
ALTER TABLE contents ALTER COLUMN arrived SET NOT NULL;
CREATE INDEX contents_newest ON contents (arrived DESC)
    WHERE NOT removed AND version_of IS NULL AND type NOT IN ('season', 'episode');
