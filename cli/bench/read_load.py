"""The load generator of ``bench api``: slate reads, closed loop to saturate, open loop to time."""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field

from cli.bench.events import user_name
from cli.demo.http_client import HttpClient

IN_FLIGHT_MAX = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """What to read. ``rate`` 0: closed loop, each connection reads as fast as it is answered.

    With a ``rate`` (requests per second) requests are due at fixed times and latency counts from
    then, whatever earlier requests are doing.
    """

    base_url: str
    api_key: str
    users: int
    connections: int
    seconds: float
    rate: float = 0.0
    seed: int = 3


@dataclass(slots=True)
class ReadResult:
    """What came of it. Latencies in milliseconds."""

    seconds: float = 0.0
    failed: int = 0
    bytes_read: int = 0
    latencies_ms: list[float] = field(default_factory=list)


class Reader:
    """Reads slates of users drawn uniformly."""

    def __init__(self, options: ReadOptions, client: HttpClient) -> None:
        self._options = options
        self._client = client
        self._dice = random.Random(options.seed)  # noqa: S311  # simulation, not security
        self._headers = {"Authorization": f"Bearer {options.api_key}"}
        self.result = ReadResult()

    async def run(self) -> ReadResult:
        """Read for the stated time; return when every answer is there."""
        begin_s = time.perf_counter()
        if self._options.rate:
            await self._open_loop(begin_s)
        else:
            await self._closed_loop(begin_s)
        self.result.seconds = time.perf_counter() - begin_s
        return self.result

    async def _closed_loop(self, begin_s: float) -> None:
        end_s = begin_s + self._options.seconds

        async def connection() -> None:
            while (now_s := time.perf_counter()) < end_s:
                await self._read(now_s)

        await asyncio.gather(*(connection() for _ in range(self._options.connections)))

    async def _open_loop(self, begin_s: float) -> None:
        tasks: set[asyncio.Task[None]] = set()
        for number in range(int(self._options.rate * self._options.seconds)):
            due_s = begin_s + number / self._options.rate
            delay_s = due_s - time.perf_counter()
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            if len(tasks) >= IN_FLIGHT_MAX:
                raise RuntimeError(f"{IN_FLIGHT_MAX} reads wait: the API does not keep up")
            task = asyncio.create_task(self._read(due_s))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.wait(tasks)

    async def _read(self, from_s: float) -> None:
        user = user_name(self._dice.randrange(self._options.users))
        path = f"/api/v1/users/{user}/recommendations"
        response = await self._client.request("GET", path, headers=self._headers)
        self.result.latencies_ms.append((time.perf_counter() - from_s) * 1000)
        self.result.bytes_read += len(response.body)
        self.result.failed += response.status != 200


async def main() -> None:
    """Read options from standard input, run, write the result to standard output as JSON."""
    options = ReadOptions(**json.load(sys.stdin))
    async with HttpClient(options.base_url) as client:
        result = await Reader(options, client).run()
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    asyncio.run(main())
