"""Rows -> one array per column, in Postgres' binary format: what ``unnest`` in an upsert takes.

psycopg writes a list as text: it searches every value for characters to escape, bytes become two
digits each, and the type of a column depends on its values, so that a statement is prepared anew
when they change. Here the statement names the types, and a value is copied as it is. The format is
that of ``array_send`` in Postgres' ``arrayfuncs.c``; it has not changed since 7.4.
"""

import re
import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct(">iiIii")  # dimensions, whether there are nulls, element type, length, first
_EMPTY = struct.Struct(">iiI")
_LENGTH = struct.Struct(">i").pack
_INT = struct.Struct(">ii").pack
_BIGINT = struct.Struct(">iq").pack
_NULL = _LENGTH(-1)
_BOOLEAN = (_LENGTH(1) + b"\0", _LENGTH(1) + b"\1")
_COLUMN = re.compile(r"%s::(\w+)\[\]")


class BinaryArray(bytes):
    """An array in binary format; the statement casts it: ``%s::text[]``."""


class _BinaryArrayDumper(Dumper):
    """Passes the bytes through; without an oid the server takes the type from the cast."""

    format = Format.BINARY

    def dump(self, obj: Buffer) -> Buffer:
        return obj


psycopg.adapters.register_dumper(BinaryArray, _BinaryArrayDumper)


class _Type(NamedTuple):
    """An element type: its oid, fixed by Postgres, and a value's length and bytes."""

    oid: int
    encoded: Callable[[Any], bytes]


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _bytea(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


_TYPES = {
    "text": _Type(25, _text),
    "bytea": _Type(17, _bytea),
    "boolean": _Type(16, _BOOLEAN.__getitem__),
    "int": _Type(23, lambda value: _INT(4, value)),
    "bigint": _Type(20, lambda value: _BIGINT(8, value)),
}


def parameters(statement: str, rows: Sequence[tuple[Any, ...]]) -> list[BinaryArray]:
    """Return the columns of ``rows`` as the arrays that ``statement`` casts its parameters to.

    Args:
        statement: with ``%s::<type>[]`` for each column, in their order, and no other parameter.
        rows: not empty; None is NULL.

    Raises:
        ValueError: there are more or fewer columns than the statement takes.
        struct.error: a number is out of the range of its type.
    """
    columns = zip(*rows, strict=True)
    return [
        array(name, values) for name, values in zip(_columns_of(statement), columns, strict=True)
    ]


def array(name: str, values: Sequence[Any]) -> BinaryArray:
    """Return values of one Postgres type (``text``, ``bigint``, ...) as an array."""
    oid, encoded = _TYPES[name]
    if not values:
        return BinaryArray(_EMPTY.pack(0, 0, oid))
    parts = _parts(encoded, values)
    return BinaryArray(b"".join((_HEAD.pack(1, None in values, oid, len(values), 1), *parts)))


def _parts(encoded: Callable[[Any], bytes], values: Iterable[Any]) -> list[bytes]:
    return [_NULL if value is None else encoded(value) for value in values]


@lru_cache(maxsize=64)
def _columns_of(statement: str) -> tuple[str, ...]:
    return tuple(_COLUMN.findall(statement))
