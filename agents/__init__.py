"""When: Faust agents, a declaration plus a step from ``domain``.

A module with a ``SPEC`` is an agent, and so are those that ``serving`` and ``dead_letters`` list;
the rest turn records into what a step needs, or its results into records.

Lives here: agent declarations, the registry, and the one runtime that owns decoding errors, dead
letters, batching, tables and commits. May not live here: business rules, HTTP, or SQL.
"""
