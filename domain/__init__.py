"""Why: pure logic, state + event -> state + outcomes.

Lives here: the watch ledger, content merging, trending, co-watch, ranking. May not live here: I/O,
clocks, randomness, frameworks. Time and identifiers arrive as arguments.
"""
