"""How much of the machine each process of a stack uses while a bench measures."""

import asyncio
import time
from collections.abc import Mapping

import psutil

REST_CORES_MAX = 0.2  # an idle worker polls for 0.03
REST_S = 3.0


def cpu_s(pid: int) -> float:
    """Return CPU seconds of a process and of everything it started; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0.0
    for each in family:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


async def cores_in_use(pids: Mapping[str, int], after_s: float, seconds: float) -> dict[str, float]:
    """Return CPU seconds per second by name, over ``seconds`` that begin ``after_s`` from now."""
    await asyncio.sleep(after_s)
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    return {
        name: round(max(0.0, cpu_s(pid) - before[name]) / seconds, 3) for name, pid in pids.items()
    }


async def at_rest(pids: Mapping[str, int], wait_s: float) -> bool:
    """Wait until the processes have nothing left to do; False: they still worked after ``wait_s``.

    A catalogue that was just loaded is encoded and compared for a while, on the cores that are
    about to be measured.
    """
    until_s = time.monotonic() + wait_s
    while sum((await cores_in_use(pids, 0, REST_S)).values()) > REST_CORES_MAX:
        if time.monotonic() > until_s:
            return False
    return True
