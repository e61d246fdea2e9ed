-- Who changed what: entries are added and nothing else. Each one's hash covers the one before it.
CREATE TABLE audit_entries (
    sequence      bigint PRIMARY KEY,
    at_ms         bigint NOT NULL,
    actor_kind    text NOT NULL,
    actor         text NOT NULL,
    action        text NOT NULL,
    subject       text NOT NULL,
    before_sha256 text,
    after_sha256  text,
    request_id    text,
    source        text,
    prev_sha256   text NOT NULL,
    entry_sha256  text NOT NULL
);
CREATE INDEX audit_entries_by_actor ON audit_entries (actor, sequence);
CREATE INDEX audit_entries_by_action ON audit_entries (action, sequence);

CREATE FUNCTION refuse_change_of_audit_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are never changed or removed' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit_entries();
CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_entries();

-- The last entry that Kafka has; one row.
CREATE TABLE audit_published (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sequence bigint NOT NULL
);
INSERT INTO audit_published (sequence) VALUES (0);
