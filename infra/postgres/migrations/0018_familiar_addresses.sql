-- Wrong attempts from addresses that an operator has logged in from are counted apart: ``failed_at_ms`` and the rest
-- are of other addresses from now on.
ALTER TABLE operators
    ADD COLUMN familiar_failed_at_ms      bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN familiar_failures_in_a_row integer NOT NULL DEFAULT 0,
    ADD COLUMN familiar_lockouts          integer NOT NULL DEFAULT 0,
    ADD COLUMN familiar_locked_until_ms   bigint NOT NULL DEFAULT 0;

-- IPv4 addresses, and IPv6 networks of 64 bits.
CREATE TABLE operator_addresses (
    operator_id text NOT NULL REFERENCES operators (operator_id) ON DELETE CASCADE,
    address     text NOT NULL,
    seen_at_ms  bigint NOT NULL,
    PRIMARY KEY (operator_id, address)
);
