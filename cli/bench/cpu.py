"""How much of the machine each process of a stack uses while a bench measures."""

import asyncio
from collections.abc import Mapping

import psutil


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
