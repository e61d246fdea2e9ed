"""Everything outside: adapters as modules, deployment files as plain folders.

Lives here: settings, the metrics catalogue, Kafka and Postgres adapters, credentials, key sets of
token issuers, the embedded stack. May not live here: Faust, Starlette, or business rules.
"""
