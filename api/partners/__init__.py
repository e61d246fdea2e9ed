"""What partners post, and what they read of it: deliveries, refusals, and why.

Lives here: the webhook endpoint, the reasons for which it refuses, the log of refusals, and a
partner's own view. May not live here: SQL, and the verification of signatures (infra.security).
"""
