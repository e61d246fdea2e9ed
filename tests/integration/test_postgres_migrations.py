"""Migrations against a real Postgres."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from infra.postgres.migrate import Migration, MigrationError, apply, load, migrate

FIRST = Migration("0001_first.sql", "CREATE TABLE first (id int)")
BROKEN = Migration("0002_broken.sql", "CREATE TABLE second (id int); SELECT 1 / 0")


def tables(url):
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
    return [name for (name,) in rows]


def test_an_empty_database_gets_every_table_once(fresh_database_url):
    names = [migration.name for migration in load()]
    assert migrate(fresh_database_url) == names
    assert migrate(fresh_database_url) == []
    assert {"slates", "watch_states", "viewers", "contents", "api_keys"} <= set(
        tables(fresh_database_url)
    )


def test_concurrent_migrations_apply_each_file_once(fresh_database_url):
    with ThreadPoolExecutor(4) as executor:
        applied = list(executor.map(lambda _: migrate(fresh_database_url), range(4)))
    assert sorted(name for names in applied for name in names) == [
        migration.name for migration in load()
    ]


def test_a_file_that_fails_leaves_nothing_behind(fresh_database_url):
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            apply(connection, [FIRST, BROKEN])
        assert tables(fresh_database_url) == ["first", "schema_migrations"]
        fixed = Migration(BROKEN.name, "CREATE TABLE second (id int)")
        assert apply(connection, [FIRST, fixed]) == [BROKEN.name]


def test_a_changed_file_and_a_newer_database_are_refused(fresh_database_url):
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        apply(connection, [FIRST])
        with pytest.raises(MigrationError, match="changed"):
            apply(connection, [Migration(FIRST.name, "CREATE TABLE other (id int)")])
        with pytest.raises(MigrationError, match="does not know"):
            apply(connection, [])
