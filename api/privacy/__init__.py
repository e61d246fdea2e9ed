"""What the API does about erased users: it refuses events of the time before an erasure.

The erasure itself is a command (``cli.erase``); the ledger refuses the same events once more.
"""
