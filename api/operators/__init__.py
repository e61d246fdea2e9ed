"""What operators call: logging in and out, their sessions and codes, the audit trail.

Who is admitted is decided in ``api.identity``; what an attempt to log in is worth, in
``domain.identity``.
"""
