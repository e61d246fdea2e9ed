"""Databases on a network that are not verified are said in the log."""

import logging

import pytest

from infra.postgres.transport import unverified_hosts, warn_of_unverified


@pytest.fixture(autouse=True)
def without_environment(monkeypatch):
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u:p@db.example.com/d", ["db.example.com"]),
        ("postgresql://u:p@10.0.0.1,127.0.0.1,db/d?sslmode=require", ["10.0.0.1", "db"]),
        ("host=db dbname=d sslmode=verify-ca", ["db"]),
        ("postgresql:///d?hostaddr=10.0.0.1", ["10.0.0.1"]),
        ("postgresql://u:p@db.example.com/d?sslmode=verify-full", []),
        ("postgresql://u:p@localhost:1,127.0.0.1,[::1]:2/d", []),
        ("postgresql:///d?host=/run/postgresql", []),
        ("", []),
    ],
)
def test_hosts_that_are_not_verified(url, hosts):
    assert unverified_hosts(url) == hosts


def test_what_libpq_takes_from_the_environment_counts(monkeypatch):
    monkeypatch.setenv("PGHOST", "db.example.com")
    assert unverified_hosts("postgresql:///d") == ["db.example.com"]
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert unverified_hosts("postgresql:///d") == []


def test_it_is_said_once_without_the_password(caplog):
    caplog.set_level(logging.WARNING)
    warn_of_unverified("postgresql://u:hunter2@db.example.com/d")
    [line] = caplog.messages
    assert "db.example.com" in line
    assert "hunter2" not in line
