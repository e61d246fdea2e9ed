"""Sends requests to one server over many connections, and judges what comes back.

Requests that are whole go sixteen at a time over a connection that is kept; the others have one
each. A failure is a status of 500 or above, and a whole request that gets no answer in ``HANG_S``.
A machine that is out of breath answers 503: such a request is sent again at the end, alone, and
fails if that is the answer then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from cli.bench.fuzz.inputs import Input, Inputs

BATCH = 16
CONNECTIONS = 16
HANG_S = 30.0  # the server gives a body 10 s and a post 8 s
BROKEN_WAIT_S = 0.1
FAILURES_MAX = 20
HEAD_BYTES_MAX = 64 * 1024
CLOSED = 0  # instead of a status: the connection was closed without an answer


class Failure(NamedTuple):
    """An input that must not happen, and why."""

    number: int
    sent: bytes
    reason: str


class HangError(Exception):
    """A whole request without an answer."""


@dataclass(slots=True)
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """Requests that were answered, or whose connection was closed."""
        return self.statuses.total()


class Fuzzer:
    """Sends ``count`` requests from number ``first`` on, or as many as ``seconds`` allow."""

    def __init__(self, inputs: Inputs, address: tuple[str, int], *, hang_s: float = HANG_S) -> None:
        self._inputs = inputs
        self._hang_s = hang_s
        self._address = address
        self._next = self._end = 0
        self._until_s = 0.0
        self._breathless: set[int] = set()
        self._again: list[Input] = []
        self.tally = Tally()

    async def run(
        self, first: int, count: int, seconds: float, advance: Callable[[int], None]
    ) -> Tally:
        """Send; return what came back. ``advance`` hears of every batch."""
        self._next, self._end = first, first + count
        self._until_s = time.monotonic() + seconds
        await asyncio.gather(*(self._sender(advance) for _ in range(CONNECTIONS)))
        while self._again:
            await self._send_whole([self._again.pop()])
        return self.tally

    async def _sender(self, advance: Callable[[int], None]) -> None:
        while self._next < self._end and time.monotonic() < self._until_s:
            if len(self.tally.failures) >= FAILURES_MAX:
                return
            first, self._next = self._next, min(self._end, self._next + BATCH)
            batch = [self._inputs.make(number) for number in range(first, self._next)]
            await asyncio.gather(
                self._send_whole([item for item in batch if item.whole]),
                *(self._send_broken(item) for item in batch if not item.whole),
            )
            advance(len(batch))

    def _note(self, item: Input, status: int) -> None:
        if status == 503 and item.whole and item.number not in self._breathless:
            self._breathless.add(item.number)
            self._again.append(item)
            return
        self.tally.statuses[status] += 1
        if status >= 500:
            self.tally.failures.append(Failure(item.number, item.sent, f"status {status}"))

    async def _send_broken(self, item: Input) -> None:
        try:
            reader, writer = await asyncio.open_connection(*self._address)
            try:
                writer.write(item.sent)
                async with asyncio.timeout(BROKEN_WAIT_S):
                    head = await reader.read(16)
            finally:
                writer.close()
        except (TimeoutError, ConnectionError):
            head = b""
        self._note(item, int(head[9:12]) if head[:5] == b"HTTP/" else CLOSED)

    async def _send_whole(self, items: list[Input]) -> None:
        """Send; those after an answer that ended the connection are sent again, the first alone."""
        while items:
            answered = await self._send_together(items)
            if answered == 0:
                answered = await self._send_together(items[:1])
                if answered == 0:
                    self._note(items[0], CLOSED)
                    answered = 1
            items = items[answered:]

    async def _send_together(self, items: list[Input]) -> int:
        """Return how many were answered before the connection ended."""
        answered = 0
        reader, writer = await asyncio.open_connection(*self._address, limit=HEAD_BYTES_MAX)
        try:
            writer.write(b"".join(item.sent for item in items))
            for item in items:
                async with asyncio.timeout(self._hang_s):
                    status = await read_answer(reader, item.method)
                if status is None:
                    break
                self._note(item, status)
                answered += 1
        except TimeoutError:
            failed = items[answered]
            self.tally.failures.append(Failure(failed.number, failed.sent, "no answer"))
            answered += 1
        except ConnectionError:
            pass
        finally:
            writer.close()
        return answered


async def read_answer(reader: asyncio.StreamReader, method: str) -> int | None:
    """Read one answer with its body; return its status, None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    status = int(head[9:12])
    if method == "HEAD" or status in (204, 304):
        return status
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start < 0:
        raise HangError(f"an answer of unknown length: {head[:200]!r}")
    length = int(lower[start + 17 : lower.index(b"\r\n", start + 2)])
    try:
        await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
    return status
