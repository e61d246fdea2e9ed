"""Postgres: migrations, the connection pool, and one module of plain SQL per store.

Lives here: what the API reads (serving rows, written by the sink agents) and what it owns
(partners, API keys, operators, the audit trail, webhook deliveries). May not live here: business
rules, HTTP, Kafka.

Serving rows carry ``version``, the Kafka offset of the record they came from. One partition holds
all records of a key, so the version of a key only grows, and an upsert guarded by
``excluded.version >= table.version`` makes a replay harmless. A tombstone leaves a removed row with
its version, so that an older record cannot bring the row back. Rows of users are deleted instead,
and older ones kept away by the time of the user's erasure (``erasures``).
"""
