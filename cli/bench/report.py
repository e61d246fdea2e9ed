"""What every bench prints: one table for people, one JSON object for machines, date and machine."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from rich.console import Console
from rich.table import Table

GIB = 1024**3
WIDTH = 160  # columns where standard output is no terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """One figure that is promised: ``value`` must be at most or at least ``limit``."""

    name: str
    value: float | None
    limit: float
    sense: Literal["at most", "at least"]
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the promise is kept; None: not measured in this run."""
        if self.value is None:
            return None
        return self.value <= self.limit if self.sense == "at most" else self.value >= self.limit

    def as_json(self) -> dict[str, Any]:
        """Return the reach with its verdict as plain data."""
        return {
            "name": self.name, "value": self.value, "limit": self.limit,
            "sense": self.sense, "unit": self.unit, "met": self.met,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The result of one bench: headline ``fields``, one row per measured case, and the reaches."""

    bench: str
    parameters: Mapping[str, Any]
    fields: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    reaches: Sequence[Reach] = ()
    notes: Sequence[str] = ()
    measured_at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"))
    machine: str = field(default_factory=lambda: machine_class())

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data; the headline fields are at the top level."""
        return {
            "bench": self.bench, "measured_at": self.measured_at, "machine": self.machine,
            "parameters": dict(self.parameters), **self.fields,
            "reaches": [reach.as_json() for reach in self.reaches],
            "rows": [dict(row) for row in self.rows], "notes": list(self.notes),
        }  # fmt: skip


def show(report: Report, *, as_json: bool) -> None:
    """Print ``report`` on standard output: one JSON line, or tables."""
    if as_json:
        print(json.dumps(report.as_json()))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(f"[bold]bench {report.bench}[/bold]  {report.measured_at}  {report.machine}")
    console.print("  ".join(f"{name}={value}" for name, value in report.parameters.items()))
    console.print(rows_table(report.rows))
    for reach in report.reaches:
        console.print(reach_line(reach))
    for note in report.notes:
        console.print(f"note: {note}")


def rows_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the rows as a table whose columns are the keys of all rows, in order of appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table()
    for name in columns:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(text(row.get(name)) for name in columns))
    return table


def reach_line(reach: Reach) -> str:
    """Return one line for people: what was promised, what was measured, met or missed."""
    verdict = {True: "met", False: "MISSED", None: "not measured"}[reach.met]
    measured = "" if reach.value is None else f" measured {text(reach.value)} {reach.unit}".rstrip()
    return f"{verdict:>12}: {reach.name} {reach.sense} {text(reach.limit)} {reach.unit};{measured}"


def text(value: Any) -> str:
    """Return ``value`` as people read it: integers grouped, floats with three figures."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def machine_class() -> str:
    """Return cores, processor, memory, system and Python in one line, without the host's name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = f"{psutil.virtual_memory().total / GIB:.0f} GiB"
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{cores} cores {processor()}, {memory}, {system}, Python {platform.python_version()}"


def processor() -> str:
    """Return the processor's model name where the system tells it, else the architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` (0-1] of ``values`` do not exceed.

    Raises:
        ValueError: no values, or a share outside (0, 1].
    """
    if not values or not 0 < share <= 1:
        raise ValueError("percentile needs at least one value and a share in (0, 1]")
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)  # ceiling
    return ordered[min(len(ordered), max(1, int(rank))) - 1]
