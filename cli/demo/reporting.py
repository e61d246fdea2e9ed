"""What the demo says while it works: progress bars on a terminal, plain lines anywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

LINE_EVERY_S = 5.0  # without a terminal
PLAIN_WIDTH = 140  # columns of a table in a file or pipe


class RateColumn(ProgressColumn):
    """Completed units per second."""

    def render(self, task: Task) -> Text:
        """Return the rate since the start of the step."""
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text(f"{task.completed / elapsed:,.0f}/s" if elapsed else "-/s")


@dataclass(slots=True)
class Step:
    """One long step: how much is done of how much, since when."""

    name: str
    total: int
    started_s: float
    bar: Progress | None
    reporter: "Reporter"
    done: int = 0
    line_s: float = 0.0

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more as done."""
        self.done += count
        if self.bar is not None:
            self.bar.advance(self.bar.task_ids[0], count)
        elif time.monotonic() - self.line_s > LINE_EVERY_S:
            self.line_s = time.monotonic()
            self.reporter.line(f"  {self.name}: {self.done:,} of {self.total:,}")


class Reporter:
    """Prints to one console; ``color`` and bars only where the console is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        if console is None and not self.console.is_terminal:
            self.console.width = PLAIN_WIDTH

    def line(self, text: str = "") -> None:
        """Print one line as it is (no markup is read from it)."""
        self.console.print(text, markup=False)

    def title(self, text: str) -> None:
        """Print the heading of the next part."""
        self.console.print()
        self.console.print(text, style="bold", markup=False)

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[Step]:
        """Show a bar (or lines) while the block runs, then one line with the measured rate."""
        started_s = time.monotonic()
        columns = (
            TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), RateColumn(),
            TimeElapsedColumn(),
        )  # fmt: skip
        if self.console.is_terminal:
            with Progress(*columns, console=self.console, transient=True) as bar:
                bar.add_task(name, total=total)
                step = Step(name, total, started_s, bar, self)
                yield step
        else:
            step = Step(name, total, started_s, None, self, line_s=started_s)
            yield step
        elapsed_s = max(time.monotonic() - started_s, 1e-9)
        rate = step.done / elapsed_s
        self.line(f"  {name}: {step.done:,} in {elapsed_s:.1f} s ({rate:,.0f}/s)")
