"""Batches of rows: the last value of each key, turned into one array per column for ``unnest``."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from psycopg.types.numeric import Int8

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


def columns_of(rows: Sequence[Row]) -> list[list[Any]]:
    """Return the columns of ``rows`` (not empty) for a statement that takes them by ``%b``.

    In binary format a value is copied as it is; as text, psycopg searches each for characters to
    escape, which takes several times as long. Numbers are named ``Int8``, whatever their size: a
    statement is prepared anew when the types of its parameters change.
    """
    return [
        [value if value is None else Int8(value) for value in column]
        if any(type(value) is int for value in column)
        else column
        for column in transposed(rows)
    ]
