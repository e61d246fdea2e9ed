"""Small calls of one turn of the event loop travel together: one task a partition, one timer.

A task, a shield and a timer for every call cost more than the record itself. Nothing waits for
company here: what was called within one turn departs with the next one.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError

from infra.kafka.delivery import Encoded, Produced

NOWHERE = Produced(-1, -1)

OnSettled = Callable[[Any, str, int, int, BaseException | None], None]


class Call:
    """Records that one caller waits for; ``result`` is done earlier when the time is over."""

    __slots__ = ("_left", "_places", "_turn", "error", "records", "result", "size", "topic")

    def __init__(self, turn: "Turn", topic: str, records: Sequence[Encoded], size: int) -> None:
        self.result: asyncio.Future[list[Produced]] = turn.loop.create_future()
        self.topic = topic
        self.records = records
        self.size = size
        self.error: BaseException | None = None
        self._turn = turn
        self._places = [NOWHERE] * len(records)
        self._left = len(records)

    def settle(self, index: int, acknowledgement: "asyncio.Future[Any]") -> None:
        """Take in what became of one record."""
        if acknowledgement.cancelled():
            self.fail(KafkaError("gone"))
        elif (error := acknowledgement.exception()) is not None:
            self.fail(error)
        else:
            place = acknowledgement.result()
            self._places[index] = Produced(place.partition, place.offset)
            self._settled()

    def fail(self, error: BaseException) -> None:
        """Take in that one record was not taken, or not acknowledged."""
        self.error = self.error or error
        self._settled()

    def _settled(self) -> None:
        self._left -= 1
        if self._left:
            return  # all of them first: none may go on unobserved
        if not self.result.done():  # its caller may have given up
            if self.error is None:
                self.result.set_result(self._places)
            else:
                self.result.set_exception(self.error)
        self._turn.settled(self)


class Turn:
    """The calls of one turn of the event loop, through one client."""

    def __init__(self, client: Any, timeout_s: float, on_settled: OnSettled) -> None:
        self.client = client
        self._on_settled = on_settled
        self._calls: list[Call] = []
        self._left = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        self._timer = self.loop.call_later(timeout_s, self._expire)
        self.loop.call_soon(self._depart)
        self.departed = False

    def join(
        self, topic: str, records: Sequence[Encoded], size: int
    ) -> asyncio.Future[list[Produced]]:
        """Add a call, before the departure; return where its records will be."""
        call = Call(self, topic, records, size)
        self._calls.append(call)
        self._left += 1
        return call.result

    def settled(self, call: Call) -> None:
        """Take in that all records of a call were acknowledged, or failed."""
        self._left -= 1
        if not self._left:
            self._timer.cancel()
            self._calls.clear()  # they hold the turn: so nothing is left to the collector of cycles
        self._on_settled(self.client, call.topic, len(call.records), call.size, call.error)

    def _depart(self) -> None:
        self.departed = True
        parts: dict[tuple[str, int], list[tuple[Call, int]]] = {}
        for call in self._calls:
            for index, record in enumerate(call.records):
                parts.setdefault((call.topic, record.partition), []).append((call, index))
        for part in parts.values():
            # One task a partition: where one has no room, the others need not wait.
            task = asyncio.create_task(self._send(part))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, part: Sequence[tuple[Call, int]]) -> None:
        for call, index in part:
            partition, key, value = call.records[index]
            try:
                sent = await self.client.send(call.topic, value, key, partition)
            except Exception as error:  # belongs to the caller, whatever it is
                call.fail(error)
                continue
            sent.add_done_callback(partial(call.settle, index))

    def _expire(self) -> None:
        for call in self._calls:
            if not call.result.done():
                call.result.set_exception(TimeoutError())
