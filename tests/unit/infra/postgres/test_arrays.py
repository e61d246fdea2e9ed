"""Columns in binary format: what a statement takes, and what it does not."""

import struct

import pytest

from infra.postgres.arrays import array, parameters

STATEMENT = "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::int[])"


def test_a_column_is_an_array_of_the_type_that_the_statement_names() -> None:
    text, number, small = parameters(STATEMENT, [("é", 2**40, 1), (None, -1, None)])
    assert text == struct.pack(">iiIii", 1, 1, 25, 2, 1) + b"\0\0\0\2\xc3\xa9" + b"\xff" * 4
    assert number == struct.pack(">iiIiiiqiq", 1, 0, 20, 2, 1, 8, 2**40, 8, -1)
    assert small == struct.pack(">iiIiiiii", 1, 1, 23, 2, 1, 4, 1, -1)


def test_an_empty_array_has_no_dimension() -> None:
    assert array("boolean", []) == struct.pack(">iiI", 0, 0, 16)


@pytest.mark.parametrize("row", [("a", 1), ("a", 1, 1, 1)])
def test_rows_of_another_width_are_refused(row: tuple) -> None:
    with pytest.raises(ValueError, match="zip"):
        parameters(STATEMENT, [row])


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(struct.error):
        parameters(STATEMENT, [("a", 2**63, 1)])
