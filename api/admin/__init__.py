"""What operators administer: partners, dead letters, API keys, erasures.

Who is admitted is decided in ``api.identity``. Every change is made by a method of a store that
takes who acts, and leaves its entry in the audit trail within the transaction of the change.
"""
