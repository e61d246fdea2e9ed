"""Who runs a command, for the audit trail."""

import os
import pwd
import uuid

import click

from infra.postgres.audit import Actor


def cli_actor() -> Actor:
    """Return the user of the operating system that this process belongs to.

    Whoever has ``DATABASE_URL`` needs no operator: what they do is entered under this name. All
    entries of one run of a command have the same request id, and no other entry has it.
    """
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:  # a container may run as a number without a name
        name = str(user_id)
    return Actor("cli", f"cli:{name}"[:128], _request_id())


def _request_id() -> str:
    context = click.get_current_context(silent=True)
    made = uuid.uuid4().hex
    return made if context is None else str(context.meta.setdefault(__name__, made))
