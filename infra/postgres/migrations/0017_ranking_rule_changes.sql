-- Changes of ranking rules that Kafka does not have yet, each written with its audit entry in one transaction; a row
-- goes when Kafka has acknowledged it. Without ``body`` the rule is removed.
CREATE TABLE ranking_rule_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id   text NOT NULL,
    body      bytea
);
