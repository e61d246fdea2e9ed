"""Credentials: webhook signatures, API keys, and secrets at rest.

Lives here: pure functions over bytes (verify, sign, hash, seal). May not live here: HTTP, SQL, or a
clock; the caller passes the time.
"""
