"""Who runs a command, for the audit trail."""

import os
import pwd

from infra.postgres.audit import Actor


def cli_actor() -> Actor:
    """Return the user of the operating system that this process belongs to.

    Whoever has ``DATABASE_URL`` needs no operator: what they do is entered under this name.
    """
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:  # a container may run as a number without a name
        name = str(user_id)
    return Actor("cli", f"cli:{name}"[:128])
