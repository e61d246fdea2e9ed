"""Arrays in binary format against a real Postgres: every type, every kind of value."""

import random

import psycopg
import pytest

from agents.serving import flush_slates
from agents.spec import Record
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.postgres.rows import columns_of
from infra.postgres.slates import SlateStore
from infra.settings import Settings
from schemas.codec import encode
from tests.integration.test_postgres_serving import a_slate, record
from topics.catalog import SLATES

TEXTS = ["", "NULL", "a,b", "{x}", '"', "\\", "it's", "é漢🎬", " ", "%s", "x" * 100_000]
BYTES = [b"", b"\0", b"\\x00", b'"\\,{}', bytes(range(256)), b"x" * 100_000]
NUMBERS = [0, 1, -1, 2**15, -(2**15) - 1, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)]
COLUMNS = {
    "text": TEXTS, "bytea": BYTES, "bigint": NUMBERS, "boolean": [True, False],
    "int": [0, 1, -1, 2**31 - 1, -(2**31)],
}  # fmt: skip
ROUND_TRIP = "SELECT * FROM unnest(%b::text[], %b::bytea[], %b::bigint[], %b::boolean[], %b::int[])"


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("nulls", [(), (None,), (None, None)])
def test_what_is_sent_comes_back(connection, name, nulls):
    for values in ([*nulls, *COLUMNS[name], *nulls], [*nulls]):
        query = f"SELECT %b::{name}[]"
        columns = columns_of([(value,) for value in values]) if values else [[]]
        (found,) = connection.execute(query, columns).fetchone()
        assert found == values


def test_rows_of_random_values_come_back_whatever_was_sent_before(connection):
    """A prepared statement keeps the types of its first use."""
    dice = random.Random(7)
    for _ in range(50):
        rows = [
            tuple(dice.choice([None, *values]) for values in COLUMNS.values())
            for _ in range(dice.choice([1, 2, 16]))
        ]
        assert connection.execute(ROUND_TRIP, columns_of(rows)).fetchall() == rows


def test_a_text_that_postgres_cannot_hold_is_refused_as_data(connection):
    with pytest.raises(psycopg.DataError):
        connection.execute("SELECT %b::text[]", columns_of([("a\0b",)]))
    with pytest.raises(UnicodeEncodeError):
        connection.execute("SELECT %b::text[]", columns_of([("\ud800",)]))


async def test_slates_that_cannot_be_read_are_rejected_and_the_rest_is_written(fresh_database_url):
    migrate(fresh_database_url)
    strange = a_slate("user-1", contents=("a", "b"), model_version='it\'s \\ "new"')
    bad = [
        Record(SLATES.name, 0, 0, 0, b"user-2", b"not json"),
        Record(SLATES.name, 0, 1, 0, b"user-2", encode(strange)),
        Record(SLATES.name, 0, 3, 0, None, None),
    ]
    async with create_pool(Settings(database_url=fresh_database_url)) as pool:
        rejects = await flush_slates(pool, [*bad, record(SLATES, 2, strange)])
        assert [reject.record for reject in rejects] == bad
        served = await SlateStore(pool).fetch("user-1")
        assert b'"model_version":"it\'s \\\\ \\"new\\""' in served.body
        assert (await SlateStore(pool).fetch("user-2")).body is None
