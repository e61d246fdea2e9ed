"""What Postgres knows of columns for its plans names no user, and the plans are as good without."""

import psycopg
import pytest

from infra.postgres import watch_states
from infra.postgres.migrate import apply, load, migrate
from infra.privacy.catalogue import TABLES

TARGETS = """
SELECT attrelid::regclass::text, attname::text FROM pg_attribute
WHERE attrelid = ANY(%s::regclass[]) AND attstattarget = 0
"""
STATISTICS = """
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public'
AND concat(most_common_vals, histogram_bounds, most_common_elems) LIKE '%canary%'
"""
FILL = """
INSERT INTO watch_states
SELECT 'canary-' || u, 'title-' || t, u * 40 + t, false, convert_to('{"u":"canary-' || u || '"}', 'utf8'),
       u * 1000 + t, true, false, false, false, true
FROM generate_series(1, 1000) u, generate_series(1, 40) t;
INSERT INTO viewers SELECT 'canary-' || u, 1, 1, '{}', 1 FROM generate_series(1, 1000) u;
"""  # noqa: E501
PLANS = (
    (watch_states.FETCH_ROW, ("canary-7", 300)),
    (watch_states.FETCH_HISTORY, ("canary-7", 50)),
    (watch_states.FETCH_HISTORY_AFTER, ("canary-7", 7030, "title-3", 50)),
    (watch_states.FETCH_OF_TITLE, ("series-1", "canary-7")),
    (watch_states.DELETE.replace("%b", "%s"), (["canary-7"], ["title-1"], [10**9])),
)


@pytest.fixture
def connection(fresh_database_url):
    with psycopg.connect(fresh_database_url, autocommit=True) as opened:
        yield opened


def test_no_declared_column_has_statistics(connection, fresh_database_url):
    migrate(fresh_database_url)
    names = [table.name for table in TABLES]
    off = set(connection.execute(TARGETS, (names,)).fetchall())
    assert off == {(table.name, column) for table in TABLES for column in table.personal}


def test_what_was_collected_before_goes_and_is_not_collected_again(connection):
    before = [each for each in load() if each.name < "0020"]
    apply(connection, before)
    connection.execute(FILL)
    connection.execute("ANALYZE")
    held = set(connection.execute(STATISTICS).fetchall())
    assert {("watch_states", "user_id"), ("viewers", "user_id")} <= held
    apply(connection, load())
    assert connection.execute(STATISTICS).fetchall() == []
    connection.execute("ANALYZE")
    assert connection.execute(STATISTICS).fetchall() == []


def test_the_rows_of_a_user_are_still_found_by_index(connection, fresh_database_url):
    migrate(fresh_database_url)
    connection.execute(FILL)
    connection.execute("ANALYZE")
    for query, parameters in PLANS:
        plan = connection.execute(f"EXPLAIN {query}".encode(), parameters).fetchall()
        text = "\n".join(line for (line,) in plan)
        assert "Seq Scan" not in text.replace("Seq Scan on contents", ""), text
        assert "watch_states_" in text, text


def test_a_ranking_stays_uncompressed(connection, fresh_database_url):
    migrate(fresh_database_url)
    query = (
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attstorage = 'e'"
    )
    assert connection.execute(query, ("slates",)).fetchall() == [("packed_ranking",)]
