"""When: Faust agents, one file each, a declaration plus a step from ``domain``.

Lives here: agent declarations, the registry, and the one runtime that owns decoding errors, dead
letters, batching, tables and commits. May not live here: business rules, HTTP, or SQL.
"""
