"""Tasks that nobody waits for any more: kept until they end, and their errors are taken note of.

A statement on a server that is frozen cannot be cancelled in time: the driver itself waits several
seconds for the server to agree. Who has a deadline leaves the task behind. How many there can be is
limited by what they hold: a connection of the pool.
"""

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

_LEFT: set[asyncio.Task[Any]] = set()  # the event loop itself refers to tasks only weakly


def abandon(task: asyncio.Task[Any]) -> None:
    """Let ``task`` end by itself; its result is dropped, an error becomes one line in the log."""
    _LEFT.add(task)
    task.add_done_callback(_note_end)


def _note_end(task: asyncio.Task[Any]) -> None:
    _LEFT.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.warning("what was too late to be waited for failed: %s", type(error).__name__)
