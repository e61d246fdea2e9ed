"""Who an operator is, as rules: passwords, codes of an authenticator, lockout, sessions.

Everything is a function of what is stored, what is given and the time; nothing here reads, writes,
hashes slowly or draws random numbers.
"""
