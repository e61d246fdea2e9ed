"""Fixtures: a real Kafka and a real Postgres for the tests that need them.

``KAFKA_BOOTSTRAP_SERVERS`` and ``DATABASE_URL`` use servers that run already. Where a server cannot
be had the tests that need it are skipped with the reason; with ``REQUIRE_SERVICES=1`` they fail.
"""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra.embedded.errors import EmbeddedError
from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.postgres import EmbeddedPostgres
from tests.support.redis_server import RedisServer


def unavailable(service: str, problem: EmbeddedError, variable: str) -> None:
    """Skip loudly, or fail where services are promised."""
    skip_or_fail(f"{service}: {problem}\nfix it with `make setup`, or set {variable}")


def skip_or_fail(message: str) -> None:
    """Skip loudly, or fail where services are promised."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def services_dir() -> Iterator[Path]:
    """A directory of this test session, removed at its end."""
    with tempfile.TemporaryDirectory(prefix="media-gateway-test-") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def kafka_bootstrap(services_dir: Path) -> Iterator[str]:
    """Bootstrap servers of a Kafka for this test session; use unique topics and groups."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    kafka = EmbeddedKafka(services_dir / "kafka")
    try:
        bootstrap = kafka.start(timeout_s=120)
    except EmbeddedError as problem:
        unavailable("Kafka", problem, "KAFKA_BOOTSTRAP_SERVERS")
        return
    yield bootstrap
    kafka.stop()


@pytest.fixture(scope="session")
def postgres_server_url(services_dir: Path) -> Iterator[str]:
    """URL of a Postgres for this test session, with the right to create databases."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    postgres = EmbeddedPostgres(services_dir / "postgres")
    try:
        url = postgres.start(timeout_s=120)
    except EmbeddedError as problem:
        unavailable("Postgres", problem, "DATABASE_URL")
        return
    yield url
    postgres.stop()


@pytest.fixture(scope="session")
def database_url(postgres_server_url: str) -> Iterator[str]:
    """URL of one new, empty database for this test session."""
    yield from new_database(postgres_server_url)


@pytest.fixture
def fresh_database_url(postgres_server_url: str) -> Iterator[str]:
    """URL of a new, empty database for this test alone."""
    yield from new_database(postgres_server_url)


@pytest.fixture
def redis_server(services_dir: Path) -> Iterator[RedisServer]:
    """A Redis (or Valkey) for this test alone, which it may freeze and stop."""
    server = RedisServer.found(services_dir)
    if server is None:
        skip_or_fail("Redis: no redis-server, no valkey-server\napt-get install redis-server")
        return
    server.start()
    yield server
    server.stop()


@pytest.fixture
def unique() -> Callable[[str], str]:
    """A function that makes a name unique to this test: topics, groups, users."""
    suffix = uuid.uuid4().hex[:12]
    return lambda name: f"{name}-{suffix}"


def new_database(server_url: str) -> Iterator[str]:
    """Create a database, yield its URL, drop it."""
    name = f"test_{uuid.uuid4().hex}"
    run(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield url_of_database(server_url, name)
    run(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def run(url: str, statement: sql.Composed) -> None:
    """Run one statement outside a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def url_of_database(server_url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    parts = conninfo_to_dict(server_url)
    user, password = parts.get("user", ""), parts.get("password", "")
    host, port = parts.get("host", "127.0.0.1"), parts.get("port", 5432)
    return f"postgresql://{user}:{password}@{host}:{port}/{name}"
