"""Postgres and Redis behind TLS: what their URLs can say is true, and a wrong certificate ends it.

Method: TLS in front of the real servers, by a certificate for ``localhost`` of an authority that
only the test knows.
"""

import asyncio
import logging
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from cli.main import main
from domain.rate_windows import Window
from infra.limits.memory import MemoryCounter
from infra.limits.shared import SharedCounter, storage_url
from infra.postgres.pool import create_pool
from infra.settings import Settings
from tests.support.certificates import Authority
from tests.support.tls_front import tls_front

HOUR = Window("hour", 100, 3600)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


@pytest.fixture
def other(tmp_path):
    return Authority(tmp_path, "other")


def url_behind(database_url, host, port, authority, mode="verify-full"):
    parts = urlsplit(database_url)
    return (
        f"postgresql://{parts.username}:{parts.password}@{host}:{port}{parts.path}"
        f"?sslmode={mode}&sslrootcert={authority.certificate}"
    )


async def migrated(url, folder):
    """Run a command that needs the database; return its exit code and what it said."""
    arguments = ["migrate", "--data-dir", str(folder)]
    runner = CliRunner(env={"DATABASE_URL": url})
    done = await asyncio.to_thread(runner.invoke, main, arguments)
    assert urlsplit(url).password not in done.output
    return done.exit_code, done.output


async def test_postgres_is_verified(fresh_database_url, authority, tmp_path):
    pair = authority.issue("database", ["localhost"])
    async with tls_front(urlsplit(fresh_database_url).port, pair, postgres=True) as port:
        url = url_behind(fresh_database_url, "localhost", port, authority)
        assert (await migrated(url, tmp_path))[0] == 0
        async with create_pool(Settings(database_url=url)) as pool, pool.connection() as connection:
            assert connection.pgconn.ssl_in_use
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_another_postgres_is_refused(fresh_database_url, authority, other, tmp_path):
    server = urlsplit(fresh_database_url).port
    pair = authority.issue("database", ["localhost"])
    async with tls_front(server, pair, postgres=True) as port:
        broken = [
            (url_behind(fresh_database_url, "localhost", port, other), "certificate verify failed"),
            (url_behind(fresh_database_url, "127.0.0.1", port, authority), "does not match host"),
            (url_behind(fresh_database_url, "127.0.0.1", server, authority), "not support SSL"),
        ]
        for url, words in broken:
            code, said = await migrated(url, tmp_path)
            assert code == 1
            assert words in said
        weaker = url_behind(fresh_database_url, "127.0.0.1", port, authority, mode="verify-ca")
        assert (await migrated(weaker, tmp_path))[0] == 0  # why the page says verify-full


def counter_of(url):
    return SharedCounter(storage_url(url), lambda: 0.0, MemoryCounter(lambda: 0.0))


async def test_redis_is_verified(redis_server, authority, other, unique, caplog):
    caplog.set_level(logging.WARNING, "infra.limits.shared")
    pair = authority.issue("limits", ["localhost"])
    async with tls_front(urlsplit(redis_server.url).port, pair) as port:
        trusted = f"ssl_ca_certs={authority.certificate}"
        key = unique("caller")
        for scheme in ("rediss", "valkeys"):
            counter = counter_of(f"{scheme}://localhost:{port}/0?{trusted}")
            assert (await counter.take(HOUR, key)).allowed
            await counter.close()
        assert caplog.text == ""
        for url in (
            f"rediss://localhost:{port}/0",
            f"rediss://localhost:{port}/0?ssl_ca_certs={other.certificate}",
            f"rediss://127.0.0.1:{port}/0?{trusted}",
            f"redis://localhost:{port}/0",
        ):
            caplog.clear()
            counter = counter_of(url)
            await counter.take(HOUR, key)
            await counter.close()
            assert "the limits server is away" in caplog.text, url
