"""What goes over a network unprotected is said, what stays on this machine is not."""

import logging

import pytest

from infra.settings import Settings
from infra.unprotected import (
    plain_limits_server,
    unprotected,
    unverified_databases,
    warn_of_unprotected,
)

REMOTE = Settings(
    kafka_bootstrap_servers="kafka:9092,localhost:1",
    database_url="postgresql://u:hunter2@db.example.com/d",
    limits_url="redis://:hunter2@limits.example.com/0",
)
LOCAL = Settings(
    kafka_bootstrap_servers="localhost:9092,127.0.0.1:2",
    database_url="postgresql://u:hunter2@127.0.0.1/d",
    limits_url="redis://localhost/0",
)
PROTECTED = Settings(
    kafka_bootstrap_servers="kafka:9092",
    kafka_security_protocol="SSL",
    database_url="postgresql://u:hunter2@db.example.com/d?sslmode=verify-full",
    limits_url="valkeys://limits.example.com/0",
)


@pytest.fixture(autouse=True)
def without_environment(monkeypatch):
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)


def test_each_server_on_a_network_is_said_without_a_secret(caplog):
    caplog.set_level(logging.WARNING)
    warn_of_unprotected(REMOTE)
    kafka, postgres, limits = caplog.messages
    assert "kafka:9092" in kafka
    assert "localhost" not in kafka
    assert "db.example.com" in postgres
    assert "limits.example.com" in limits
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("settings", [LOCAL, PROTECTED, Settings()])
def test_what_is_on_this_machine_or_protected_is_not(settings):
    assert list(unprotected(settings)) == []


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u:p@10.0.0.1,127.0.0.1,db/d?sslmode=require", ["10.0.0.1", "db"]),
        ("host=db dbname=d sslmode=verify-ca", ["db"]),
        ("postgresql:///d?hostaddr=10.0.0.1", ["10.0.0.1"]),
        ("postgresql://u:p@localhost:1,127.0.0.1,[::1]:2/d", []),
        ("postgresql:///d?host=/run/postgresql", []),
        ("junk", []),
    ],
)
def test_databases_that_are_not_verified(url, hosts):
    assert unverified_databases(url) == hosts


@pytest.mark.parametrize("url", ["", "junk", "redis://[::1", "redis:///0", "rediss://h/0"])
def test_a_url_of_no_server_without_tls_is_not_said(url):
    assert plain_limits_server(url) == ""


def test_what_libpq_takes_from_the_environment_counts(monkeypatch):
    monkeypatch.setenv("PGHOST", "db.example.com")
    assert unverified_databases("postgresql:///d") == ["db.example.com"]
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert unverified_databases("postgresql:///d") == []
