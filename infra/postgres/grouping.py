"""Many concurrent calls -> few group calls: whoever comes while one is running joins the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouped(Generic[Item, Result]):
    """Calls ``run(items)`` with everything that gathered, one call at a time.

    ``run`` returns one result per item in the same order; what it raises, every caller of that
    group gets. A lone call is made at once. After a group of several the next one gathers for
    ``gather_s``: calls come faster than groups end, and a larger group costs each of them less. The
    number of waiting items is the number of callers, which the server bounds.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        size_max: int,
        gather_s: float = 0.0,
    ) -> None:
        self._run = run
        self._size_max = size_max
        self._gather_s = gather_s
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def call(self, item: Item) -> Result:
        """Return the result of ``item``."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                size = min(self._size_max, len(self._waiting))
                await self._run_group([self._waiting.popleft() for _ in range(size)])
                if self._gather_s and size > 1:
                    await asyncio.sleep(self._gather_s)
        finally:
            self._task = None

    async def _run_group(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._run([item for item, _ in group])
        except Exception as error:  # belongs to the callers, whatever it is
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():  # its caller may have gone
                future.set_result(result)
