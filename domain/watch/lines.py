"""Play lines: what a player that only reports positions has really played.

While a title plays, position advances with wall time at the playback rate, so all reports of one
uninterrupted stretch lie on one line ``position = rate * time + offset``. Two reports attest what
lies between them only if they share a line and are at most ``GAP_MS`` apart; a seek or a pause
leaves the line. To keep only end points and still get the same answer in any order, the offset is
quantised on two grids of width ``2 * TOLERANCE_MS``, shifted by half a width: offsets within the
tolerance always share a cell of one grid, offsets two tolerances apart never do. In each (rate,
grid, cell) the reports form *runs*: chains with gaps of at most ``GAP_MS``, and a run is fully
described by its ends.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

GAP_MS = 90_000  # Fire TV reports every 60 s; one report may be half a minute late
TOLERANCE_MS = 4_000  # jitter of a player's clock, buffering, positions in whole seconds
RATE_UNIT = 1000  # rates are kept in thousandths
_HALF = TOLERANCE_MS * RATE_UNIT
_WIDTH = 2 * _HALF


class Run(NamedTuple):
    """A chain of reports on one line of one grid; ``start`` and ``end`` are its outer reports."""

    start_at: int
    start_position: int
    end_at: int
    end_position: int
    rate: int
    grid: int

    def cell(self) -> int:
        """Return the cell of the line's offset; every report of the run is in it."""
        offset = RATE_UNIT * self.start_position - self.rate * self.start_at
        return (offset + self.grid * _HALF) // _WIDTH

    def claim(self) -> tuple[int, int]:
        """Return the positions the run attests: never more than rate times wall time."""
        most = self.start_position + self.rate * (self.end_at - self.start_at) // RATE_UNIT
        return self.start_position, min(self.end_position, most)


def report(at: int, position: int, rate: int) -> Iterator[Run]:
    """Yield one report as runs of a single point, one per grid."""
    for grid in (0, 1):
        yield Run(at, position, at, position, rate, grid)


def join(runs: list[Run], added: Iterable[Run]) -> list[Run]:
    """Return the runs of both sides, chained where gaps allow. Commutative and idempotent."""
    for run in added:
        runs = _join_one(runs, run)
    return runs


def _join_one(runs: list[Run], run: Run) -> list[Run]:
    cell = run.cell()
    start, end = run[0:2], run[2:4]
    kept = []
    for other in runs:
        if (
            other.grid == run.grid
            and other.rate == run.rate
            and other.start_at <= end[0] + GAP_MS
            and start[0] <= other.end_at + GAP_MS
            and other.cell() == cell
        ):
            start, end = min(start, other[0:2]), max(end, other[2:4])
        else:
            kept.append(other)
    kept.append(Run(*start, *end, run.rate, run.grid))
    return kept
