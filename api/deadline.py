"""Every request is answered in time, also while a server that it needs is frozen.

The limits of the servers cannot do that: a frozen Postgres does not end its own statements, and
cancelling one waits for it. So the handler runs in a task of its own, which is left behind.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.gateway import ROUTE, UNMATCHED
from api.problems import UNAVAILABLE, ProblemError
from infra.abandoned import abandon

READ_S = 3.0  # a caller's patience; as long as the server gives one statement
# 2 s for a connection of the pool, 5 s for Kafka (the default of MEDIA_GATEWAY_PRODUCE_TIMEOUT_MS),
# 1 s for the statements between. Not counted is the time in which the body arrives, and in which
# recovery codes are hashed.
POST_S = 8.0
DEADLINE = "media_gateway.deadline"

log = logging.getLogger(__name__)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Deadline:
    """Wakes one waiter: when ``finish`` is called, or after ``seconds`` that were not paused."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = self._loop.create_future()
        self._timer = self._loop.call_later(seconds, self.finish)

    def finish(self, _: object = None) -> None:
        """Wake the waiter now."""
        self._timer.cancel()
        if not self._woken.done():
            self._woken.set_result(None)

    async def wait(self) -> None:
        """Return when it is over."""
        await self._woken

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the time stand still."""
        left = self._timer.when() - self._loop.time()
        self._timer.cancel()
        try:
            yield
        finally:
            self._timer = self._loop.call_later(left, self.finish)


async def answer_within(seconds: float, handler: Handler, request: Request) -> Response:
    """Return the handler's answer.

    Raises:
        ProblemError: 503, there is none yet. A post may still take effect; repeating it is safe.
    """
    deadline = request.scope[DEADLINE] = Deadline(seconds)
    task = asyncio.get_running_loop().create_task(handler(request))
    task.add_done_callback(deadline.finish)
    try:
        await deadline.wait()
    except asyncio.CancelledError:
        task.cancel()
        abandon(task)
        raise
    finally:
        deadline.finish()
    if task.done():
        return task.result()
    abandon(task)
    log.warning("%s: no answer within %g s", request.scope.get(ROUTE, UNMATCHED), seconds)
    raise ProblemError(UNAVAILABLE, "the answer took too long")


@contextmanager
def paused(request: Request) -> Iterator[None]:
    """Let the request's time stand still: for what has a limit of its own."""
    with request.scope[DEADLINE].paused():
        yield
