"""Key sets of token issuers: fetched over HTTPS from addresses that may be asked, kept and renewed.

Nothing here is on the path of a request: what a request reads is the set that was fetched last.
"""
