"""Batches of rows: the last value of each key, turned into one array per column for ``unnest``."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row", bound=tuple[Any, ...])


def newest_per_key(rows: Sequence[Row], key_of: Callable[[Row], Hashable]) -> list[Row]:
    """Return one row per key: the last of the batch, which is the newest, as offsets only grow.

    ``ON CONFLICT DO UPDATE`` refuses to touch a row twice in one statement, so this comes first.
    Sorted by key: two writers that take row locks in one order cannot deadlock.

    >>> newest_per_key([("b", 1), ("a", 2), ("b", 3)], lambda row: row[0])
    [('a', 2), ('b', 3)]
    """
    newest = {key_of(row): row for row in rows}
    return [row for _, row in sorted(newest.items())]


def transposed(rows: Sequence[Row]) -> list[list[Any]]:
    """Return the columns of ``rows`` (not empty) as lists."""
    return [list(column) for column in zip(*rows, strict=True)]
