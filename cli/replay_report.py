"""What a replay found -> tables for people, plain data for machines."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.rederive import Derived
from domain.replay import Comparison

WIDTH = 160  # columns where standard output is no terminal


@dataclass(slots=True)
class Verdict:
    """What a replay derived and, with ``--verify``, how it compares."""

    derived: dict[str, Derived] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def same(self) -> bool:
        """Whether nothing that was compared differs."""
        return all(each.same for each in self.comparisons)


def as_data(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as plain data; bytes as text."""
    return {
        "same": verdict.same,
        "seconds": verdict.seconds,
        "derived": {name: counts_of(each) for name, each in verdict.derived.items()},
        "topics": [comparison_data(each) for each in verdict.comparisons],
    }


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Return one comparison as plain data."""
    data = asdict(replace(comparison, examples=()))
    data["examples"] = [
        {"key": each.key, "live": shown(each.live), "replayed": shown(each.replayed)}
        for each in comparison.examples
    ]
    return data


def shown(value: bytes | None) -> str | None:
    """Return the beginning of a value for people."""
    return None if value is None else value[:300].decode("utf-8", "backslashreplace")


def counts_of(derived: Derived) -> dict[str, int]:
    """Return what an agent derived, in numbers."""
    return {
        "records": derived.records, "applied": derived.applied,
        "deduplicated": derived.deduplicated, "dead_lettered": derived.dead_lettered,
        "emitted": derived.emitted, "table_keys": len(derived.table),
        **{f"keys in {name}": len(rows) for name, rows in derived.outputs.items()},
    }  # fmt: skip


def print_tables(verdict: Verdict) -> None:
    """Print what was derived and compared."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    for name, each in verdict.derived.items():
        numbers = "  ".join(f"{what}={count:,}" for what, count in counts_of(each).items())
        console.print(f"{name}: {numbers}", highlight=False)
    if verdict.comparisons:
        console.print(comparison_table(verdict.comparisons))
    for comparison in verdict.comparisons:
        for found in comparison.examples:
            console.print(f"{comparison.topic} {found.key}", highlight=False, markup=False)
            console.print(f"  live:     {shown(found.live)}", highlight=False, markup=False)
            console.print(f"  replayed: {shown(found.replayed)}", highlight=False, markup=False)
    console.print(f"{verdict.seconds} s", highlight=False)


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Return one row per compared topic."""
    table = Table("topic", "keys", "equal", "different", "skipped", "why")
    for each in comparisons:
        numbers = (each.keys, each.equal, each.different, each.skipped)
        why = each.why_skipped if each.skipped else ""
        table.add_row(each.topic, *(f"{number:,}" for number in numbers), why)
    return table
