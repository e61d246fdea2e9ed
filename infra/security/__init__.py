"""Credentials: webhook signatures, API keys, passwords, tokens, secrets at rest, security events.

Lives here: functions over bytes (verify, sign, hash, seal), and the lines that the log gets of
them. May not live here: HTTP, SQL, or a clock; the caller passes the time.
"""
