"""Operators for a fuzzer: each accepts a code once, and sessions of theirs can be ended freely."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import psycopg

from infra.postgres.operator_logins import INSERT_SESSION
from infra.postgres.pool import create_pool
from infra.security.operator_secrets import create_token, hash_token
from infra.security.passwords import COST
from infra.settings import Settings
from tests.support.operators import add_operator

T = TypeVar("T")
ADMIN = "fuzz-admin"
LEAVER = "fuzz-leaver"  # its sessions all end when one of them says so
LOGINS = tuple(f"fuzz-login-{number}" for number in range(16))
STEPS = tuple(f"fuzz-step-{number}" for number in range(16))
RECOVERING = tuple(f"fuzz-recover-{number}" for number in range(4))
RECOVERY_CODES = ("ABCDEFGH", "JKMNPQRS", "TVWXYZ23", "BCDFGHJK")
RECOVERIES = tuple((name, code) for code in RECOVERY_CODES for name in RECOVERING)


async def add_operators(database_url: str) -> None:
    """Add all of them to a running stack whose key for secrets is the one of the tests."""
    pool = create_pool(Settings(database_url=database_url))
    await pool.open()
    try:
        for name in (ADMIN, LEAVER, *LOGINS, *STEPS):
            await add_operator(pool, name)
        for name in RECOVERING:
            await add_operator(pool, name, recovery=RECOVERY_CODES, cost=COST)
    finally:
        await pool.close()


class Sessions:
    """Opens sessions in the database, without a login."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)

    def open(self, name: str) -> str:
        """Return the token of a new session of an operator who has just given a code."""
        token, now_ms = create_token(), int(time.time() * 1000)
        row = (hash_token(token), f"op_{name}", now_ms, now_ms, now_ms)
        self._connection.execute(INSERT_SESSION, row)
        return token


def one_each(given: Sequence[T]) -> Iterator[T]:
    """Yield each once, then the last one for ever: its code was used."""
    yield from given
    while True:
        yield given[-1]
